"""scripts/grade.sh use NN [PROGRAM ...]: your piece in a program of the zoo, instead of the zoo's own.

A piece that is an attention kernel is used by its name (--attention my_one_head) in any program, also later; other pieces
take the place of what they implement while the program runs.
"""

import os
import pathlib
import shutil
import tempfile

from compile import ROOT, Compiler
from grading import about, read_config
from skeleton import all_names
from work import Work


def run(words):
    usable = [name for name in all_names() if "use" in about(name)]
    chosen = [name for name in usable if words and (name == words[0] or name[:2] == words[0].zfill(2))]
    if not chosen:
        numbers = ", ".join(name[:2] for name in usable)
        raise SystemExit(f"grade: use expects an exercise that the zoo's programs can use: {numbers}")
    name, command = chosen[0], words[1:]
    facts = about(name)["use"]
    library = make_library(name, facts.get("attention", f"my_{name[3:]}"))
    if not command:
        tell(name, facts, library)
        return 0
    program = find_program(command[0])
    if "functions" in facts:
        os.environ["ZOO_FUNCTIONS"] = str(library)
    elif "--attention" not in command:
        command += ["--attention", facts["attention"]]
    os.execv(program, [str(program), *command[1:]])


def make_library(name, library_name):
    work, config = Work(), read_config()
    folder = pathlib.Path(os.environ.get("ZOO_KERNELS") or config["own"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="zoo-own-") as scratch:
            made = Compiler(config).compile(work.file(name), name, [], pathlib.Path(scratch), "use")
            library = folder / f"{library_name}.so"
            copy = library.with_suffix(f".{os.getpid()}")  # a program may have the old one open
            shutil.copyfile(made, copy)
            copy.replace(library)
    except OSError as error:
        raise SystemExit(f"grade: {folder} cannot be written ({error.strerror}): name another folder with ZOO_KERNELS") from None
    return library


def tell(name, facts, library):
    if "functions" in facts:
        print(f"grade: {library} is ready; scripts/grade.sh use {name[:2]} train_gpt ... trains with it")
    else:
        print(f"grade: any program now takes --attention {facts['attention']}")


def find_program(word):
    path = pathlib.Path(word) if "/" in word else ROOT / "build/release/bin" / word
    if not os.access(path, os.X_OK):
        raise SystemExit(f"grade: there is no program {path}; build it with scripts/build.sh {path.name}")
    return path
