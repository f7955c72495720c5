"""scripts/grade.sh watch: grades the current exercise whenever its file is saved, and moves on when it is done."""

import json
import os
import select
import subprocess
import sys
import termios
import time
import tty

from grading import about
from show import bar, show
from skeleton import EXERCISES, all_names
from work import hash_of

QUIET = 0.2  # seconds after the last change of a file before it is graded: editors save in steps
KEYS = "h hint  d details  n next  p previous  l list  r again  s solution  x reset  q quit"


class Keys:
    """Single keys from the terminal, where there is one."""

    def __enter__(self):
        self.before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
        if self.before:
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_):
        if self.before:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self.before)

    def wait(self, seconds):
        """The next key; empty where none came."""
        if not self.before:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        key = os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else ""
        if key == "\x1b":  # an arrow, or another key that is a sequence: none of ours
            while select.select([sys.stdin], [], [], 0)[0] and os.read(sys.stdin.fileno(), 1):
                pass
            return ""
        return key


class Watch:
    """Files are compared by their contents, five times a second: that also works on network drives and in WSL, where the
    system's notices do not arrive."""

    def __init__(self, work, command, first):
        self.work, self.command = work, command  # `command` grades an exercise: [..., NN, "--json"]
        self.name, self.result, self.hint, self.details = first, None, 1, False
        self.hashes = {name: hash_of(work.file(name)) for name in all_names()}
        self.process = None

    def run(self):
        with Keys() as keys:
            self.grade(self.name)
            while True:
                key = keys.wait(QUIET)
                if key == "q":
                    break
                if key:
                    self.on_key(key, keys)
                self.look_at_files()
                self.look_at_process()
        self.cancel()

    # ---- Files and gradings ---------------------------------------------------------------------------------------

    def look_at_files(self):
        for name, before in self.hashes.items():
            now = hash_of(self.work.file(name))
            if now == before:
                continue
            time.sleep(QUIET)
            self.hashes[name] = hash_of(self.work.file(name))
            self.grade(name)  # a save during a grading begins it again
            return

    def grade(self, name):
        self.cancel()
        self.graded = name
        print(f"checking {name[:2]} ...", flush=True)
        hint = ["--hint"] if self.hint > 1 else []
        self.process = subprocess.Popen([*self.command, name, "--json", *hint], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True, start_new_session=True)  # fmt: skip

    def cancel(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.process = None

    def look_at_process(self):
        if not self.process or self.process.poll() is None:
            return
        out, errors = self.process.communicate()
        self.process = None
        self.work.progress = self.work.read_progress()
        try:
            result = json.loads(out)
        except ValueError:
            print(errors.strip() or "grade: the grading gave no result")
            return
        if self.graded != self.name:  # an exercise that was done before
            print(f"{result['exercise']}  {bar(result)}")
            return
        self.result = result
        self.show()
        if result["state"] == "full":
            self.move_on()

    def move_on(self):
        following = self.work.current()
        if following is None:
            print("That was the last one: all exercises are done. scripts/grade.sh report writes your page.")
            return
        self.name, self.hint = following, 1
        minutes = about(following)["minutes"]
        print(f"Next: {following}, about {minutes} minutes. Read {self.work.folder.name}/{following}/README.md, then edit "
              f"{self.work.file(following).name}.")  # fmt: skip

    # ---- Keys -----------------------------------------------------------------------------------------------------

    def on_key(self, key, keys):
        names = all_names()
        at = names.index(self.name)
        if key == "h":
            self.hint = 2
            self.show()
        elif key == "d":
            self.details = not self.details
            self.show()
        elif key in "np":
            self.go_to(names[(at + (1 if key == "n" else -1)) % len(names)])
        elif key == "l":
            for name in names:
                entry = self.work.entry(name)
                print(f"{'>' if name == self.name else ' '} {name:30} {entry.get('marks', 0):2}/10  {entry.get('state', '')}")
        elif key == "r":
            self.grade(self.name)
        elif key == "s":
            self.show_solution()
        elif key == "x":
            print(f"Reset {self.name}? Your file is kept beside it. y for yes")
            if keys.wait(30) == "y":
                print(f"reset; your file is {self.work.reset(self.name).name}")
        else:
            print(KEYS)

    def go_to(self, name):
        self.name, self.hint, self.result = name, 1, None
        self.grade(name)

    def show(self):
        if not self.result:
            return
        show(self.result, self.hint, self.details)
        print(KEYS, flush=True)

    def show_solution(self):
        done = [name for name in all_names() if self.work.is_done(name)]
        name = self.name if self.name in done else (done[-1] if done else None)
        solution = EXERCISES / "teacher" / (name or "") / "solution.cpp"
        if name is None:
            print("Solutions are shown after full marks.")
        elif solution.exists():
            print(solution.read_text(encoding="utf-8"))
        else:
            print("The solutions are not on this machine; your teacher has them.")


def watch(work, command, first=None):
    name = first or work.current() or all_names()[0]
    print(f"Watching {work.folder}; save a file and it is graded. {KEYS}")
    try:
        Watch(work, command, name).run()
    except KeyboardInterrupt:
        print()
