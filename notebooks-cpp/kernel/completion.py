"""Completion and hover. clangd answers where it is installed; until it is ready, and without it, the session's own names.

clangd takes 0.4 GB for each notebook: where that is too much, ZOO_NOTEBOOK_CLANGD=off.
"""

import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time

from cpp_source import split
from session import GENERATED, reference

PATIENCE = 3.0  # seconds that a student waits for an answer
MOST = 60  # answers
KINDS_WITHOUT_SNIPPET = re.compile(r"\$\{\d+:?|\$\d+|\}")


class Completion:
    def __init__(self, session):
        self.session, self.clangd, self.starting = session, None, threading.Lock()

    def warm(self):
        """Lets clangd read the headers before somebody asks: it takes ten seconds and more."""
        clangd = self.server()
        if clangd is not None:
            clangd.update(document(self.session, "", 0)[0])

    def server(self):
        if self.session.toolchain is None or os.environ.get("ZOO_NOTEBOOK_CLANGD") == "off" or not shutil.which("clangd"):
            return None
        with self.starting:
            if self.clangd is None:
                self.clangd = Clangd(self.session.toolchain)
        return self.clangd if self.clangd.process.poll() is None else None

    def complete(self, code, cursor):
        """(matches, where the completed word begins, where it ends)"""
        start = cursor - len(re.search(r"\w*$", code[:cursor])[0])
        answer = self.ask("textDocument/completion", code, cursor)
        items = answer.get("items", []) if isinstance(answer, dict) else []
        prefix = code[start:cursor].lower()
        found = [(item.get("sortText", ""), item.get("insertText") or item["label"].strip()) for item in items
                 if item.get("filterText", item["label"].strip()).lower().startswith(prefix)]  # fmt: skip
        matches = [KINDS_WITHOUT_SNIPPET.sub("", text) for _, text in sorted(found)] or self.known(code, code[start:cursor])
        return list(dict.fromkeys(matches))[:MOST], start, cursor

    def hover(self, code, cursor):
        """A MIME bundle; empty if nothing is known."""
        answer = self.ask("textDocument/hover", code, cursor)
        if answer and answer.get("contents"):
            text = answer["contents"]["value"]
            return {"text/plain": text, "text/markdown": text}
        word = re.search(r"\w*$", code[:cursor])[0] + re.match(r"\w*", code[cursor:])[0]
        variable = self.session.variables.get(word)
        if variable and variable.type:
            return {"text/plain": f"{variable.type} {word}"}
        pieces = [piece for piece in self.session.declarations if word and word in piece.names]
        return {"text/plain": pieces[-1].text} if pieces else {}

    def known(self, code, prefix):
        """Names of the session and of the cell that begin so."""
        names = set(self.session.variables) | set(re.findall(r"[A-Za-z_]\w+", code)) - {prefix}
        names |= {name for piece in self.session.declarations for name in piece.names}
        return sorted(name for name in names if prefix and name.startswith(prefix))

    def ask(self, method, code, cursor):
        clangd = self.server()
        return None if clangd is None else clangd.ask(method, *document(self.session, code, cursor))

    def close(self):
        if self.clangd is not None:
            self.clangd.close()


def document(session, code, cursor):
    """(what the cell means as one C++ file, the cursor in it)"""
    pieces = split(code)
    lines = code.split("\n")
    starts = [sum(len(line) + 1 for line in lines[: piece.line - 1]) + piece.column for piece in pieces]
    outside = [f'#include "{session.toolchain.prelude}"\n']
    outside += [piece.text + "\n" for piece in session.declarations if piece.kind == "directive"]
    outside += [piece.text + "\n" for piece in session.declarations if piece.kind != "directive"]
    inside = [GENERATED, "void nb_cell() {\n", *(reference(variable) for variable in session.variables.values()), "{\n"]
    # Pieces go to one place or the other; the cursor goes with its piece, or stands behind what precedes it.
    at = None
    for piece, start in zip(pieces, starts):
        target = outside if piece.at_namespace_scope else inside
        if start <= cursor <= start + len(piece.text):
            at = (target, sum(map(len, target)) + cursor - start)
        target.append(piece.text + (";\n" if piece.kind == "expression" else "\n"))
    if at is None:
        at = (inside, sum(map(len, inside)))
        inside.append("\n")
    offset = at[1] + (sum(map(len, outside)) if at[0] is inside else 0)
    return "".join(outside) + "".join(inside) + "} }\n", offset


class Clangd:
    """A clangd that knows one file, the cell."""

    URI = "file:///cell.cpp"

    def __init__(self, toolchain):
        command = ["nice", "clangd", "--background-index=false", "--header-insertion=never", "--clang-tidy=false",
                   f"--limit-results={MOST}", "--log=error", "-j=1"]  # fmt: skip
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        start_new_session=True)  # fmt: skip
        self.answers, self.number, self.version, self.sending = queue.Queue(), 0, 0, threading.Lock()
        threading.Thread(target=self.listen, daemon=True).start()
        flags = [flag for flag in toolchain.flags if flag not in ("-fPIC", "-Wall")] + ["-xc++", "-Wno-everything"]
        # Columns count characters, as Jupyter's do; without asking for it they count halves of UTF-16.
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {"offsetEncoding": ["utf-32"]},
                                    "initializationOptions": {"fallbackFlags": flags}})  # fmt: skip
        self.send({"method": "initialized", "params": {}})

    def update(self, text):
        self.version += 1
        if self.version == 1:
            self.send({"method": "textDocument/didOpen", "params": {
                "textDocument": {"uri": self.URI, "languageId": "cpp", "version": 1, "text": text}}})  # fmt: skip
        else:
            self.send({"method": "textDocument/didChange", "params": {
                "textDocument": {"uri": self.URI, "version": self.version}, "contentChanges": [{"text": text}]}})  # fmt: skip

    def ask(self, method, text, offset):
        """The answer, or None if it takes too long: clangd reads the headers of torch first, in the background."""
        self.update(text)
        before = text[:offset]
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        number = self.request(method, {"textDocument": {"uri": self.URI}, "position": position})
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                answer = self.answers.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                break
            if answer.get("id") == number:
                return answer.get("result")
        self.send({"method": "$/cancelRequest", "params": {"id": number}})
        return None

    def request(self, method, params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        return self.number

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            with self.sending:
                self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # it died: there are no answers

    def listen(self):
        while header := self.process.stdout.readline():
            length = int(header.split(b":")[1])
            while self.process.stdout.readline().strip():
                pass
            message = json.loads(self.process.stdout.read(length))
            if "id" in message and "method" not in message:
                self.answers.put(message)

    def close(self):
        self.process.kill()
        self.process.wait()
