"""Compiles one exercise's file to a library: the notebook kernel's compiler and precompiled headers, and the exercise's shim."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXERCISES = ROOT / "notebooks-cpp/exercises"
sys.path.insert(0, str(ROOT / "notebooks-cpp/kernel"))
from toolchain import CellError, Toolchain, without_colours  # noqa: E402

HOW = "run scripts/grade.sh --setup"
SHOWN_LINES = 3
OPERATOR = re.compile(r"\bat::(?:_ops::|native::|cpu::)?(\w+)(?:::|\()")  # in a symbol's name
UNWATCH = re.compile(r"\bat::(clear\w*Callbacks|enableRecordFunction|removeCallback|disableCallback|set_record_function_tls)")


@dataclass
class CompileFailure(Exception):
    message: str  # one line
    detail: str = ""  # the student's line, at most three


class Compiler:
    def __init__(self, config):
        self.config = config
        try:
            self.toolchain = Toolchain(config)
            self.toolchain.flags += ["-fvisibility=hidden"]
            self.prelude = self.toolchain.precompiled()
        except CellError as error:
            raise CompileFailure(error.message) from None

    def compile(self, source, name, forbidden, folder, adapter="shim"):
        """The library of `source` for exercise `name`, made in `folder`. CompileFailure tells what is wrong with the file.
        `adapter`: what it is linked with, "shim" for the grader, "use" for the zoo's programs."""
        library, depends = folder / f"{name}.so", folder / f"{name}.d"
        if not source.exists():
            raise CompileFailure(f"{source.name} is missing: scripts/grade.sh reset {name[:2]} brings it back")
        with contextlib.suppress(OSError), source.open("rb") as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise CompileFailure("your file is in UTF-16: let your editor save it as UTF-8")
        limit = "-ferror-limit=1" if self.toolchain.is_clang else "-fmax-errors=1"
        command = [self.toolchain.compiler, *self.toolchain.flags, *self.prelude, limit, "-w", "-MMD", "-MF", depends, "-shared",
                   "-x", "c++", source.resolve(),
                   "-x", "none", self.adapter(name, adapter), "-o", library]  # fmt: skip
        code, text = call_within_limits(command, folder)
        if code:
            raise explained(without_colours(text), source)
        refuse_answers(depends, source)
        self.check_symbols(library, name, forbidden)
        return library

    def adapter(self, name, kind):
        for path in self.config["shims"]:
            if f"/{name}/{kind}.cpp" in path and pathlib.Path(path).exists():
                return path
        raise CompileFailure(f"the grader is not built for {name}: {HOW}")

    def check_symbols(self, library, name, forbidden):
        listed = subprocess.run(["nm", "-DuC", library], capture_output=True, text=True).stdout
        needed = [line.split(maxsplit=1)[1] for line in listed.splitlines() if " " in line.strip()]
        for symbol in needed:
            if re.match(r"[a-z_]\w*\(", symbol):
                missing = symbol.replace("at::Tensor", "torch::Tensor")
                raise CompileFailure(f"your file does not define {missing} as its header declares it")
        if any(UNWATCH.search(symbol) for symbol in needed):
            raise CompileFailure("your file changes what torch tells about its calls: the grader needs that")
        operators = (OPERATOR.search(symbol) for symbol in needed)
        if used := forbidden_operator([found[1] for found in operators if found], forbidden):
            raise CompileFailure(calls(used))
        if any("torch::optim::" in symbol for symbol in needed) and "torch::optim" in forbidden:
            raise CompileFailure(calls("optimizers"))


def forbidden_operator(operators, forbidden):
    """The first that an exercise forbids, by the word that exercise.json uses: softmax is special_softmax, _safe_softmax and
    softmax_out, too."""
    plain = [re.sub(r"^(special_|linalg_|safe_|_)+", "", name.removeprefix("aten::")) for name in operators]
    return next((word for word in forbidden for name in plain if name.startswith(word.lstrip("_"))), None)


def calls(word):
    return f"your file calls torch's {word}: this exercise asks you to write it yourself"


def refuse_answers(depends, source):
    """Solutions, the checks, which hold the reference, and the zoo's own sources are not for including, by whatever path."""
    for word in depends.read_text(encoding="utf-8").replace("\\\n", " ").replace("\\ ", "\0").split():
        path = pathlib.Path(word.replace("\0", " ")).resolve()
        if path == source.resolve() or not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / "exercises"):
            continue
        if path.is_relative_to(EXERCISES / "teacher"):
            raise CompileFailure("your file includes the solution: write the exercise yourself")
        if path.suffix in (".cpp", ".cu"):
            raise CompileFailure(f"your file includes the zoo's {path.name}: write the exercise yourself")


def call_within_limits(command, folder):
    """(exit code, what the compiler said). A file can keep a compiler busy for ever, or fill memory and disk."""
    output = folder / "compiler.txt"
    with output.open("wb") as file:
        limits = ["prlimit", "--as=6000000000", "--cpu=100", "--fsize=100000000"] if shutil.which("prlimit") else []
        code = subprocess.call([*limits, *map(str, command)], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                               cwd=folder, env={**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)})  # fmt: skip
    with output.open("rb") as file:
        return code, file.read(200_000).decode(errors="replace")


def explained(text, source):
    """The first error, with the student's line."""
    if "multiple definition of" in text:
        twice = re.search(r"multiple definition of [`'](\w+)", text)
        return CompileFailure(f"your file defines {twice[1]}, which belongs to the grader: choose another name")
    lines = text.splitlines()
    for at, line in enumerate(lines):
        found = re.match(r"(\S+?):(\d+):\d+: (?:fatal )?error: (.*)", line)
        if not found:
            continue
        mine = pathlib.Path(found[1]).name == source.name
        # An error inside a header was caused by the line that is named further down.
        caused = next((match for match in (re.match(rf"(\S*{re.escape(source.name)}):(\d+):\d+: note:", other)
                                           for other in lines[at:]) if match), None)  # fmt: skip
        number = found[2] if mine else caused[2] if caused else None
        place = f"line {number}" if number else pathlib.Path(found[1]).name
        return CompileFailure(f"{place} does not compile: {found[3]}", shown(source, number))
    if re.search(r"out of memory|bad_alloc|CPU time limit|PLEASE submit a bug report|killed|Killed", text) or not lines:
        return CompileFailure("compiling it takes more time or memory than an exercise may have")
    return CompileFailure("the file does not compile", "\n".join(lines[:SHOWN_LINES]))


def shown(source, number):
    if not number:
        return ""
    lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    at = int(number)
    return f"{at:4} | {lines[at - 1].strip()}" if 0 < at <= len(lines) else ""
