"""generate --interactive on a terminal: keys edit the line, earlier lines come back, and the terminal is left as it was."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

BINARIES = pathlib.Path("build/release/bin")
LEFT, UP, BACKSPACE, TO_BEGIN, END_OF_INPUT, INTERRUPT, SEARCH = "\x1b[D", "\x1b[A", "\x7f", "\x01", "\x04", "\x03", "\x12"
PATIENCE = 60  # seconds


class Session:
    """The program with its input and its standard error on a terminal, its standard output in a pipe."""

    def __init__(self, *arguments, term="xterm", columns=80):
        self.keyboard, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, columns))
        self.before = termios.tcgetattr(terminal)
        environment = os.environ | {"TERM": term, "OMP_NUM_THREADS": "1", "HOME": "/nonexistent"}
        self.process = subprocess.Popen([BINARIES / "generate", *map(str, arguments)], stdin=terminal, stderr=terminal,
                                        stdout=subprocess.PIPE, env=environment, start_new_session=True,
                                        preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0))
        self.terminal, self.screen, self.out, self.asked = terminal, "", "", False

    def read(self):
        ready, _, _ = select.select([self.keyboard, self.process.stdout], [], [], 0.2)
        if self.keyboard in ready:
            self.screen += os.read(self.keyboard, 4096).decode(errors="replace")
        if self.process.stdout in ready:
            self.out += os.read(self.process.stdout.fileno(), 4096).decode()

    def wait_for(self, done):
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise AssertionError(f"not in {PATIENCE} s; screen: {self.screen!r}, output: {self.out!r}")
            self.read()

    def asks(self) -> bool:
        """Whether the question stands alone on the last line (it is also drawn anew while a line is edited), and keys are
        read one by one: libedit asks before it sets the terminal so, and a Ctrl-D in between is lost."""
        lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", self.screen).split("\n")
        by_key = not termios.tcgetattr(self.terminal)[3] & termios.ICANON
        return by_key and lines[-1] == "> " and (len(lines) > 1 or not self.asked)

    def ask(self, keys: str) -> str:
        """The prompt that the program made of the keys."""
        self.wait_for(self.asks)
        lines = self.out.count("\n")
        self.screen, self.asked = "", True
        os.write(self.keyboard, (keys + "\r").encode())
        self.wait_for(lambda: self.out.count("\n") > lines)
        return json.loads(self.out.splitlines()[lines])["input"]

    def end(self, key: str) -> int:
        self.wait_for(self.asks)
        os.write(self.keyboard, key.encode())
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        self.process.kill()
        self.process.stdout.close()
        return self.process.wait()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        os.close(self.keyboard)
        os.close(self.terminal)


class InteractiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        work = pathlib.Path(cls.folder.name)
        (work / "text.txt").write_text("aäbc bca cab äab\n" * 60)
        cls.model = work / "run"
        subprocess.run([BINARIES / "train_gpt", "--data", work / "text.txt", "--out", cls.model, "--layers", "1", "--heads", "1",
                        "--d-model", "8", "--context", "16", "--max-steps", "1", "--warmup-steps", "0", "--sample-tokens", "0",
                        "--threads", "1"], check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def session(self, *more, **how) -> Session:
        session = Session("--model", self.model, "--interactive", "--json", "--max-new-tokens", 1, "--threads", 1, *more, **how)
        self.addCleanup(session.close)
        return session

    def test_keys_edit_the_line(self):
        session = self.session()
        self.assertEqual(session.ask("ab" + BACKSPACE + "c"), "ac")
        self.assertEqual(session.ask("ac" + LEFT + "b"), "abc")
        self.assertEqual(session.ask("bc" + TO_BEGIN + "a"), "abc")
        self.assertEqual(session.ask("aäb" + BACKSPACE + BACKSPACE + "c"), "ac")  # characters, not bytes
        self.assertEqual(session.ask("ä"), "ä")
        self.assertEqual(session.end(END_OF_INPUT), 0)
        self.assertEqual(termios.tcgetattr(session.terminal), session.before)

    def test_earlier_lines_come_back(self):
        session = self.session()
        self.assertEqual([session.ask(keys) for keys in ("ab", "bc", UP, UP + UP, UP + "a")], ["ab", "bc", "bc", "ab", "aba"])
        self.assertEqual(session.ask(SEARCH + "bc"), "bc")

    def test_a_line_longer_than_the_window_is_whole(self):
        self.assertEqual(self.session(columns=20).ask("abc " * 3 + "ab"), "abc abc abc ab")

    def test_ctrl_c_at_the_question_ends_it_and_gives_the_terminal_back(self):
        session = self.session()
        session.ask("ab")
        self.assertEqual(session.end(INTERRUPT), -signal.SIGINT)
        self.assertEqual(termios.tcgetattr(session.terminal), session.before)

    def test_a_plain_terminal_works_too(self):
        session = self.session(term="dumb")
        self.assertEqual(session.ask("ab"), "ab")
        self.assertEqual(session.end(END_OF_INPUT), 0)

    def test_several_samples_are_named_and_one_is_not(self):
        for samples, heading in ((2, "== sample 2 of 2\n"), (1, None)):
            session = Session("--model", self.model, "--interactive", "--max-new-tokens", 1, "--threads", 1, "--num-return-sequences",
                              samples)
            self.addCleanup(session.close)
            session.wait_for(session.asks)
            os.write(session.keyboard, b"ab\r")
            session.wait_for(lambda: session.out.count("ab") == samples and session.out.endswith("\n"))
            if heading:
                self.assertIn(heading, session.out)
            else:
                self.assertNotIn("==", session.out)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2] == "plain":
        print("the zoo was built without libedit: lines are not edited")
        sys.exit(77)
    if len(sys.argv) > 1:
        BINARIES = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
