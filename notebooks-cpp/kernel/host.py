"""The process that runs the cells (host.cpp), seen from the kernel."""

import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import threading
import time

from toolchain import ROOT, CellError

SEPARATOR = "\x1f"
PARTS = {"failed": 2, "variable": 3}  # of a frame's content; the last one may hold separators itself
LARGEST_OUTPUT = 1_000_000  # characters a cell: a browser survives them
PATIENCE = 3.0  # seconds that an interrupted cell has to end by itself
TOGETHER = 0.05  # seconds: output within them is passed on as one message
LOST = "all variables are lost, the next cell begins in a new process; includes, functions and types are still known"


class Host:
    """Start one, then load() the libraries and run() the cells."""

    def __init__(self, program, on_stream, on_display, on_variable):
        self.mark = b"\x1e" + secrets.token_hex(8).encode()
        self.process = subprocess.Popen([program, self.mark], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0, cwd=ROOT, start_new_session=True)  # fmt: skip
        self.on_stream, self.on_display, self.on_variable = on_stream, on_display, on_variable
        self.pending, self.waiting, self.passed_on = {}, [], 0.0
        self.shown, self.result, self.deadline = 0, None, None

    def load(self, library):
        self.command(f"load\t{library}")

    def run(self, library, function):
        self.command(f"run\t{library}\t{function}")

    def end(self):
        """Ends the process, and what its cells have started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def command(self, line):
        """Sends a line and passes on the output until the command has ended; CellError if it failed."""
        self.shown, self.result, self.deadline = 0, None, None
        with self.interrupts():
            try:
                self.process.stdin.write(f"{line}\n".encode())
            except BrokenPipeError:
                pass  # it died; reading tells how
            self.listen()
        self.conclude()

    @contextlib.contextmanager
    def interrupts(self):
        """Jupyter's stop button is a SIGINT. It must not cut off what is being read, so it is no KeyboardInterrupt here."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self.interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def interrupt(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        self.deadline = time.monotonic() + (PATIENCE if self.deadline is None else 0)

    def listen(self):
        """Reads both pipes until the command's end, or the process's: what it has started may hold the pipes open."""
        open_pipes, died = {self.process.stdout: "stdout", self.process.stderr: "stderr"}, None
        while open_pipes:
            ready = select.select(list(open_pipes), [], [], TOGETHER if self.waiting else 0.2)[0]
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.pass_on()
                self.end()
                raise CellError("Interrupted", f"the cell did not stop within {PATIENCE:.0f} s and was ended: {LOST}")
            for pipe in ready:
                if self.read(pipe, open_pipes[pipe]):
                    del open_pipes[pipe]
            if not ready or time.monotonic() > self.passed_on + TOGETHER:
                self.pass_on()
            if self.process.poll() is not None:
                died = died or time.monotonic()
                if not ready or time.monotonic() > died + 1:
                    break
        self.pass_on()

    def read(self, pipe, name):
        """Takes what is there; whether the stream has come to the command's end."""
        new = os.read(pipe.fileno(), 1 << 16)
        data, ended = self.pending.pop(name, b"") + new, not new
        while data:
            text, mark, rest = data.partition(self.mark)
            if not mark and new:
                text, self.pending[name] = self.whole(text)
            self.stream(name, text)
            if not mark:
                break
            content, closing, behind = rest.partition(self.mark)
            if not closing:
                if new:
                    self.pending[name] = mark + rest
                break
            ended = self.frame(content.decode(errors="replace")) or ended
            data = behind
        return ended

    def whole(self, text):
        """(text, the beginning of a mark or of a character whose other bytes have not come yet)"""
        at = text.rfind(self.mark[:1], max(0, len(text) - len(self.mark)))
        if at >= 0 and self.mark.startswith(text[at:]):
            return text[:at], text[at:]
        return whole_characters(text)

    def frame(self, text):
        kind, content = text.split(SEPARATOR, 1)
        if kind == "display":
            self.pass_on()
            self.on_display(json.loads(content))
        elif kind == "variable":
            self.on_variable(*content.split(SEPARATOR, PARTS[kind] - 1))
        elif kind in ("done", "failed"):
            self.result = (kind, *content.split(SEPARATOR, PARTS.get(kind, 1) - 1))
        return kind in ("done", "failed", "end")

    def stream(self, name, data):
        if not data or self.shown > LARGEST_OUTPUT:
            return
        text = data.decode(errors="replace")
        self.shown += len(text)
        if self.shown > LARGEST_OUTPUT:
            text += f"\n(the cell printed more than {LARGEST_OUTPUT} characters; the rest is not shown)\n"
        self.waiting.append((name, text))

    def pass_on(self):
        """Shows what has come. A message for each line would be too many for a browser."""
        waiting, self.waiting, self.passed_on = self.waiting, [], time.monotonic()
        for n, (name, text) in enumerate(waiting):
            if n + 1 < len(waiting) and waiting[n + 1][0] == name:
                waiting[n + 1] = (name, text + waiting[n + 1][1])
            else:
                self.on_stream(name, text)

    def conclude(self):
        if self.result is None:
            try:
                code = self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:  # it closed its output
                code = -signal.SIGKILL
            self.end()
            if code < 0:
                reason = f"{signal.Signals(-code).name} ({signal.strsignal(-code)})"
            else:
                reason = f"exit code {code}"
            raise CellError("Crashed", f"the process ended with {reason}: {LOST}")
        if self.result[0] == "failed":
            name, message = self.result[1:]
            raise CellError(name, message.split("\n")[0], f"{name}: {message}")


def whole_characters(data):
    """(text, the beginning of a character whose other bytes have not come yet)"""
    for length in range(1, min(4, len(data)) + 1):
        byte = data[-length]
        if byte & 0xC0 == 0x80:
            continue
        needed = 2 if byte >> 5 == 6 else 3 if byte >> 4 == 14 else 4 if byte >> 3 == 30 else 1
        return (data[:-length], data[-length:]) if needed > length else (data, b"")
    return data, b""
