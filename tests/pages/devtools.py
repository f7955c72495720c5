"""Chromium without a window, driven over its debugging pipe (the DevTools protocol): one browser, one tab.

    with Browser() as browser:
        tab = browser.tab()
        tab.open(path, width=400)
        tab.value("document.title")
"""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import tempfile
import time

# No sandbox: it refuses root, and what containers forbid; the pages are the zoo's own.
FLAGS = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync"]  # fmt: skip
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13, "Escape": 27, "Tab": 9, " ": 32}


def chromium():
    """The browser's path, or None."""
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser refused, or does not answer."""


def high(fd):
    """The same file at a number that the browser's own 1 to 4 do not meet."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return moved


class Browser:
    """Starts Chromium; it reads commands from fd 3 and answers on fd 4, each message ended by a zero byte."""

    def __init__(self, timeout=60):
        self.timeout = timeout
        self.home = tempfile.mkdtemp(prefix="zoo_browser_")
        read_commands, self.commands = (high(fd) for fd in os.pipe())
        self.answers, write_answers = (high(fd) for fd in os.pipe())
        log = high(os.open(os.path.join(self.home, "log"), os.O_WRONLY | os.O_CREAT, 0o600))
        argv = [chromium(), *FLAGS, f"--user-data-dir={self.home}/profile"]
        actions = [(os.POSIX_SPAWN_DUP2, read_commands, 3), (os.POSIX_SPAWN_DUP2, write_answers, 4),
                   (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]  # fmt: skip
        self.pid = os.posix_spawn(argv[0], [*argv, "about:blank"], {**os.environ, "HOME": self.home}, file_actions=actions, setsid=True)
        for fd in (read_commands, write_answers, log):
            os.close(fd)
        self.unread = b""
        self.last_id = 0
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (BrowserError, OSError):
            pass
        deadline = time.monotonic() + 5
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
            time.sleep(0.02)
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, session=None, **parameters):
        """The command's result. Events that come meanwhile are kept."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data) :]
        deadline = time.monotonic() + self.timeout
        while True:
            answer = self.next_message(deadline, method)
            if answer.get("id") != self.last_id:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error'].get('message')}")
            return answer["result"]

    def wait_for(self, method):
        """The first event of this name that has not been waited for."""
        deadline = time.monotonic() + self.timeout
        while True:
            for at, event in enumerate(self.events):
                if event.get("method") == method:
                    return self.events.pop(at)["params"]
            self.events.append(self.next_message(deadline, method))

    def next_message(self, deadline, awaited):
        while b"\0" not in self.unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise BrowserError(f"no answer to {awaited} within {self.timeout} s")
            part = os.read(self.answers, 1 << 20)
            if not part:
                log = pathlib.Path(self.home, "log").read_text("utf-8", "replace")
                raise BrowserError(f"the browser ended before it answered {awaited}: {log[-400:]}")
            self.unread += part
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def tab(self, first_script=""):
        return Tab(self, first_script)


class Tab:
    """One page at a time. `first_script` runs in each page before its own scripts."""

    def __init__(self, browser, first_script):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        if first_script:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=first_script)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def open(self, path, width, height=900, dark=False):
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Log.clear")
        self.browser.events.clear()
        failed = self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri()).get("errorText")
        if failed:
            raise BrowserError(f"{path}: {failed}")
        self.browser.wait_for("Page.loadEventFired")
        self.settle()

    def resize(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def settle(self):
        """Waits until two frames are drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def complaints(self):
        """What the page said on the console as an error, what it threw, and what it asked the network for."""
        self.value("1")  # events before this answer have arrived
        found = []
        for event in self.browser.events:
            method, of = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = of["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif method == "Runtime.consoleAPICalled" and of["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(a.get("value", a.get("description"))) for a in of["args"]))
            elif method == "Log.entryAdded" and of["entry"]["level"] in ("error", "warning"):
                found.append(of["entry"]["text"])
            elif method == "Network.requestWillBeSent" and not of["request"]["url"].startswith(("file:", "data:")):
                found.append(f"asks for {of['request']['url']}")
        return found

    def value(self, expression):
        """The value of a JavaScript expression, a promise's when it is kept."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def centre(self, selector, part=(0.5, 0.5)):
        """The place of an element on the screen, scrolled into view; `part` of its width and height."""
        place = self.value(f"""(() => {{
          const e = document.querySelector({json.dumps(selector)});
          if (!e) return null;
          e.scrollIntoView({{block: 'center', inline: 'center'}});
          const r = e.getBoundingClientRect();
          return [r.x + r.width * {part[0]}, r.y + r.height * {part[1]}];
        }})()""")
        if place is None:
            raise BrowserError(f"no element {selector}")
        return place

    def move(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def click(self, x, y, times=1):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)
        self.settle()

    def hover_on(self, selector, part=(0.5, 0.5)):
        self.move(*self.centre(selector, part))

    def click_on(self, selector, part=(0.5, 0.5)):
        self.click(*self.centre(selector, part))

    def press(self, key):
        code = KEYS.get(key, ord(key.upper()[0]))
        typed = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        self.settle()

    def type(self, text):
        self.call("Input.insertText", text=text)
        self.settle()

    def screenshot(self, path, whole=True):
        """A PNG of the page, or of what the window shows of it."""
        clip = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12000), "scale": 1},
                    "captureBeyondViewport": True}  # fmt: skip
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"]))
