"""The process that runs the cells (host.cpp), seen from the kernel."""

import json
import os
import select
import signal
import subprocess
import time

from toolchain import ROOT, CellError

FRAME, SEPARATOR = b"\x1e", "\x1f"
LARGEST_OUTPUT = 1_000_000  # characters a cell: a browser survives them
PATIENCE = 3.0  # seconds that an interrupted cell has to end by itself
LOST = "all variables are lost, the next cell begins in a new process; includes, functions and types are still known"


class Host:
    """Start one, then load() the libraries and run() the cells."""

    def __init__(self, program, on_stream, on_display, on_variable):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        bufsize=0, cwd=ROOT, start_new_session=True)  # fmt: skip
        self.on_stream, self.on_display, self.on_variable = on_stream, on_display, on_variable
        self.pending = {}

    def load(self, library):
        self.command(f"load\t{library}")

    def run(self, library, function):
        self.command(f"run\t{library}\t{function}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def command(self, line):
        """Sends a line and passes on the output until the command has ended; CellError if it failed."""
        self.shown, self.result, deadline = 0, None, None
        try:
            self.process.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:
            pass  # it died; reading tells how
        except KeyboardInterrupt:
            self.process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + PATIENCE
        open_pipes = {self.process.stdout: "stdout", self.process.stderr: "stderr"}
        while open_pipes:
            try:
                # A signal between two lines of Python does not wake select(): look often.
                ready = select.select(list(open_pipes), [], [], 0.2)[0]
                if deadline is not None and time.monotonic() > deadline:
                    self.end()
                    raise CellError("Interrupted", f"the cell did not stop within {PATIENCE:.0f} s and was ended: {LOST}")
                for pipe in ready:
                    if self.read(pipe, open_pipes[pipe]):
                        del open_pipes[pipe]
            except KeyboardInterrupt:
                self.process.send_signal(signal.SIGINT)
                deadline = time.monotonic() + (PATIENCE if deadline is None else 0)
        self.conclude()

    def read(self, pipe, name):
        """Passes on what is there; whether the stream has come to the command's end."""
        new = os.read(pipe.fileno(), 1 << 16)
        data, ended = self.pending.pop(name, b"") + new, not new
        while data:
            text, frame, rest = data.partition(FRAME)
            if not frame and new:
                text, self.pending[name] = whole_characters(text)
            self.stream(name, text)
            if not frame:
                break
            content, closing, behind = rest.partition(FRAME)
            if not closing:
                if new:
                    self.pending[name] = frame + rest
                break
            ended = self.frame(*content.decode(errors="replace").split(SEPARATOR)) or ended
            data = behind
        return ended

    def frame(self, kind, *content):
        if kind == "display":
            self.on_display(json.loads(content[0]))
        elif kind == "variable":
            self.on_variable(*content)
        elif kind in ("done", "failed"):
            self.result = (kind, *content)
        return kind in ("done", "failed", "end")

    def stream(self, name, data):
        text = data.decode(errors="replace")
        if not text or self.shown > LARGEST_OUTPUT:
            return
        self.shown += len(text)
        if self.shown > LARGEST_OUTPUT:
            text += f"\n(the cell printed more than {LARGEST_OUTPUT} characters; the rest is not shown)\n"
        self.on_stream(name, text)

    def conclude(self):
        if self.result is None:
            code = self.process.wait()
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
