"""Compiles cells: finds the compiler and what CMake wrote down for it, precompiles the prelude, makes a library of each cell.

What was compiled before is kept in .cache/notebook, under a hash of source, compiler and flags, and used while no header of
the zoo that it includes has changed. Who may not write there reads it, and keeps what is new in ~/.cache.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNEL = pathlib.Path(__file__).resolve().parent
HOW = "run scripts/notebook.sh"
KEPT_DAYS = 14
PRECOMPILE = ["-x", "c++-header", "-fpch-instantiate-templates", "-Xclang", "-fno-pch-timestamp"]  # clang++
STB_WEAK, STB_GNU_UNIQUE, STT_OBJECT = 2, 10, 1


class CellError(Exception):
    """Why a cell ended: a name ("CompileError"), one line, and the text to show."""

    def __init__(self, name, message, text=None):
        super().__init__(message)
        self.name, self.message, self.text = name, message, text or f"{name}: {message}"


def read_config():
    """The file that CMake writes: {"compiler", "library", "includes", "definitions"}."""
    path = pathlib.Path(os.environ.get("ZOO_NOTEBOOK_CONFIG") or ROOT / "build/release/notebooks-cpp/kernel/kernel.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CellError("NotBuilt", f"the zoo is not built for notebooks ({path.name} is missing): {HOW}") from None
    except ValueError as error:
        raise CellError("NotBuilt", f"{path} is damaged ({error}): {HOW}") from None
    if not isinstance(config, dict) or {"compiler", "library", "includes", "definitions"} - set(config):
        raise CellError("NotBuilt", f"{path} is damaged (something is missing in it): {HOW}")
    if config["library"] and not pathlib.Path(config["library"]).exists():
        raise CellError("NotBuilt", f"the zoo's library is not built ({config['library']} is missing): {HOW}")
    return config


def find_compiler(config):
    """ZOO_NOTEBOOK_CXX, or clang++, which loads precompiled headers fastest, or what built the zoo, or g++."""
    named = os.environ.get("ZOO_NOTEBOOK_CXX")
    for compiler in [named] if named else ["clang++", config["compiler"], "g++", "c++"]:
        if not shutil.which(compiler):
            continue
        asked = [compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", os.devnull]
        if subprocess.run(asked, capture_output=True).returncode == 0:
            return compiler
        if named:
            raise CellError("NoCompiler", f"{named} does not know C++20: name clang++ 14, g++ 12 or later in ZOO_NOTEBOOK_CXX")
    raise CellError("NoCompiler", f"no compiler {named or 'clang++ or g++'} is here: {HOW}, which installs clang++")


class Toolchain:
    def __init__(self, config=None):
        self.config = config or read_config()
        self.compiler = find_compiler(self.config)
        version = subprocess.run([self.compiler, "--version"], capture_output=True, text=True).stdout
        self.is_clang = "clang" in version
        self.id = f"{self.compiler}\n{version}{self.torch_version()}"
        self.prelude = self.config.get("prelude", str(KERNEL / "prelude.h"))
        self.places = caches()  # the first is written to
        self.cache = self.places[0]
        self.flags = self.language_flags()
        self.seen = {}  # headers of the zoo in what was compiled or loaded, with their state at that time

    def torch_version(self):
        """Another LibTorch in the same folder makes what was compiled useless, too."""
        headers = [pathlib.Path(folder) / "torch/headeronly/version.h" for folder in self.config["includes"] if folder]
        return "".join(header.read_text(encoding="utf-8") for header in headers if header.exists())

    def language_flags(self):
        flags = ["-std=c++20", "-O1", "-fPIC", "-Wall", "-Wno-unused"]
        flags += [f"-D{name}" for name in self.config["definitions"] if name]
        for folder in self.config["includes"]:
            if folder == str(ROOT):
                flags.append(f"-I{folder}")
            elif folder not in ("", "/usr/include"):
                flags += ["-isystem", folder]
        return flags

    def compile_cell(self, source, folder, name, includes=()):
        """Compiles to a library; (path, warnings). CompileError if the source is no C++. `includes`: lines of it that are
        precompiled for the cells to come."""
        prelude = self.with_includes(includes)
        key = self.hash(source, *prelude)
        library = self.cache / f"cell-{key}.so"
        if self.is_fresh(library):
            touch(library)
            return library, ""
        path = folder / f"{name}.cpp"
        path.write_text(source, encoding="utf-8")
        made = folder / f"{name}.so"
        colours = "-fcolor-diagnostics" if self.is_clang else "-fdiagnostics-color=always"
        limit = "-ferror-limit=5" if self.is_clang else "-fmax-errors=5"
        depends = folder / f"{name}.d"
        code, text = self.call([self.compiler, *self.flags, *prelude, colours, limit, "-MD", "-MF", depends, "-shared",
                                path, "-o", made])  # fmt: skip
        if code:
            raise CellError("CompileError", first_error(text), text)
        share_inline_variables(made)
        try:
            with temporary(library) as copy:  # the cache may be on another disk
                shutil.copyfile(made, copy)
                self.store(copy, depends, library)
        except OSError:  # that disk is full: the cell runs all the same
            return made, text
        made.unlink()
        return library, text

    def precompiled(self):
        """The flags that load the precompiled prelude, which is made if it is not there or a header has changed."""
        name = f"prelude-{self.hash(self.prelude)}"
        file = "prelude.pch" if self.is_clang else "prelude.h.gch"
        made = self.fresh(f"{name}/{file}")
        if made is None:
            made = self.cache / name / file
            with locked(self.cache / f"{name}.lock"):
                if not self.is_fresh(made):  # another notebook may have made it meanwhile
                    self.precompile_prelude(made)
        touch(made.with_suffix(".json"))  # not itself: clang++ looks at its time
        return ["-include-pch", str(made)] if self.is_clang else ["-include", str(made.parent / "prelude.h")]

    def precompile_prelude(self, made):
        made.parent.mkdir(exist_ok=True)
        header = made.parent / "prelude.h"
        header.write_text(f'#include "{self.prelude}"\n', encoding="utf-8")
        options = PRECOMPILE if self.is_clang else ["-x", "c++-header"]
        with temporary(made) as new, temporary(made.with_suffix(".d")) as depends:
            code, text = self.call([self.compiler, *self.flags, *options, "-MD", "-MF", depends, header, "-o", new])
            if code:
                raise CellError("CompileError", f"the zoo's headers do not compile: {first_error(text)}", text)
            self.store(new, depends, made)

    def with_includes(self, includes):
        """The flags that load the prelude and, on top of it, what the notebook includes: cells then compile in a third of the
        time. Only clang++ can build one precompiled header on another."""
        base = self.precompiled()
        if not includes or not self.is_clang:
            return base
        name = f"headers-{self.hash(*base, str(state_of(base[1])), *includes)}"
        made = self.fresh(f"{name}.pch")
        if made is None:
            made = self.cache / f"{name}.pch"
            try:
                with locked(self.cache / f"{name}.lock"):
                    if not self.is_fresh(made) and not self.precompile_includes(made, base, includes):
                        return base  # the cell itself tells what is wrong, and where
            except OSError:
                return base  # a full disk: cells compile more slowly
        touch(made.with_suffix(".json"))
        return ["-include-pch", str(made)]

    def precompile_includes(self, made, base, includes):
        header = made.with_suffix(".h")  # clang++ wants to find it later, too
        with temporary(made) as new, temporary(made.with_suffix(".d")) as depends:
            header.write_text("#pragma once\n" + "".join(f"{line}\n" for line in includes), encoding="utf-8")
            code, _ = self.call([self.compiler, *self.flags, *base, *PRECOMPILE, "-MD", "-MF", depends, header, "-o", new])
            if code == 0:
                self.store(new, depends, made)
        return code == 0

    def host(self):
        """The program that runs the cells."""
        source = KERNEL / "host.cpp"
        name = f"host-{self.hash(source.read_text(encoding='utf-8'))}"
        for place in self.places:
            if (place / name).exists():
                touch(place / name)
                return place / name
        with temporary(self.cache / name) as made:
            code, text = self.call([self.compiler, "-std=c++20", "-O1", source, "-rdynamic", "-ldl", "-pthread", "-o", made])
            if code:
                raise CellError("HostError", f"the process that runs cells does not compile: {first_error(text)}", text)
            made.rename(self.cache / name)
        return self.cache / name

    def call(self, command):
        """(exit code, what it printed). An interrupt ends the compiler."""
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
                                   env={**os.environ, "LC_ALL": "C"}, start_new_session=True)  # fmt: skip
        try:
            text = process.communicate()[0]
        except BaseException:
            os.killpg(process.pid, 9)
            process.wait()
            raise
        if process.returncode and os.strerror(errno.ENOSPC).encode() in text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        noise = r"(?m)^(?:.*(?:In function .*nb_cell_\d+|At global scope).*|.*\d+ (?:warning|error)s?.* generated\.)\n"
        text = re.sub(noise, "", text.decode(errors="replace"))
        return process.returncode, text

    # ---- What was compiled before -----------------------------------------------------------------------------------

    def hash(self, *texts):
        return hashlib.sha256("\0".join([self.id, *self.flags, *texts]).encode()).hexdigest()[:20]

    def store(self, made, depends, final):
        """Moves what was made to its place, with the state of the zoo's headers that it was made from."""
        names = depends.read_text(encoding="utf-8").replace("\\\n", " ").split()[1:]
        headers = sorted({name for name in names if pathlib.Path(name).is_relative_to(ROOT) and name.endswith(".h")
                          and "/.venv" not in name and "/.cache" not in name})  # fmt: skip
        states = {name: state_of(name) for name in headers}
        with temporary(final.with_suffix(".json")) as text:
            text.write_text(json.dumps(states), encoding="utf-8")
            made.rename(final)
            text.rename(final.with_suffix(".json"))
        self.see(states)

    def is_fresh(self, made):
        try:
            headers = json.loads(made.with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        if not made.exists() or any(state_of(name) != state for name, state in headers.items()):
            return False
        self.see(headers)
        return True

    def fresh(self, name):
        """Where it is, if it is in one of the caches and fresh; else None."""
        return next((place / name for place in self.places if self.is_fresh(place / name)), None)

    def see(self, states):
        for name, state in states.items():
            self.seen.setdefault(name, state)

    def changed_header(self):
        """A header of the zoo that is not what it was when it was first used; None if there is none."""
        return next((name for name, state in self.seen.items() if state_of(name) != state), None)

    def forget_old(self):
        """What nobody has used for long: touch() keeps headers-KEY.h, .pch and .json by one of them."""
        together = {}
        for path in self.cache.iterdir():
            together.setdefault(path.name.split(".")[0], []).append(path)
        for paths in together.values():
            with contextlib.suppress(OSError):  # another kernel forgets, too
                files = [file for path in paths for file in [path, *(path.iterdir() if path.is_dir() else ())]]
                if time.time() - max(file.stat().st_mtime for file in files) < KEPT_DAYS * 86400:
                    continue
                for path in paths:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def caches():
    """Folders to look into. The first can be written: the zoo's own, or the user's where the zoo belongs to somebody else."""
    own = pathlib.Path(os.environ.get("ZOO_NOTEBOOK_CACHE") or ROOT / ".cache/notebook")
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "transformer-zoo" / "notebook"
    with contextlib.suppress(OSError):
        own.mkdir(parents=True, exist_ok=True)
    if os.access(own, os.W_OK):
        return [own]
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CellError("NoCache", f"neither {own} nor {home} can be written ({error.strerror}): name a folder in "
                                   "ZOO_NOTEBOOK_CACHE") from None  # fmt: skip
    return [home, own]


@contextlib.contextmanager
def temporary(path):
    """A name beside `path` that no other kernel uses; what is left there in the end is removed."""
    name = path.with_name(f"new-{os.getpid()}-{path.name}")
    try:
        yield name
    finally:
        name.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path):
    """Two notebooks that begin together do not precompile the same headers twice."""
    with open(path, "w") as file:
        with contextlib.suppress(OSError):  # some file systems know no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def touch(path):
    """It is in use: forget_old() leaves it alone."""
    with contextlib.suppress(OSError):
        os.utime(path)


def state_of(name):
    try:
        state = os.stat(name)
    except OSError:
        return None
    return [state.st_mtime_ns, state.st_size]


def without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", text)


def first_error(text):
    plain = without_colours(text)
    found = re.search(r"(?m)^(?:(\S+?):\d+:\d+: )?(?:fatal )?error: (.*)", plain) or re.search(r"undefined reference to.*", plain)
    return found[0] if found else plain.strip().split("\n")[-1]


def share_inline_variables(library):
    """Marks the library's inline variables, and statics of inline functions, as unique: the loader then gives all cells the
    first cell's copy. g++ marks them itself, clang++ does not."""
    data = bytearray(library.read_bytes())
    section_table, entry_size, count = struct.unpack_from("<Q", data, 0x28)[0], *struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_table + n * entry_size) for n in range(count)]
    for _, kind, _, _, offset, size, link, _, _, step in sections:
        if kind != 11:  # SHT_DYNSYM
            continue
        names = sections[link][4]
        for at in range(offset, offset + size, step):
            name, info, _, section = struct.unpack_from("<IBBH", data, at)
            text = data[names + name : data.index(0, names + name)]
            if section and info >> 4 == STB_WEAK and info & 15 == STT_OBJECT and not text.startswith((b"_ZT", b"DW.")):
                data[at + 4] = STB_GNU_UNIQUE << 4 | STT_OBJECT
    library.write_bytes(data)
