"""What programs advise exists: every --option that a message or a help text names is an option of some program, in a file
NAME_main.cpp one of that program; and commands in the documentation have the options that they are shown with."""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = ROOT / "build/release/bin"
FOLDERS = ("app", "base", "infer", "models", "tokenizers", "train")
PAGES = ("README.md", "docs/programs.md", "docs/first-hour.md", "infer/README.md", "train/README.md", "tokenizers/README.md")
# A C++ comment, a character, or a string: the first is skipped.
TOKENS = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])'|R\"\((?P<raw>.*?)\)\"|\"(?P<text>(?:\\.|[^\"\\\n])*)\"", re.DOTALL)
CSS = re.compile(r"var\(--([a-z-]+)")  # variables of pages are written alike
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*[a-z0-9])(?![\w-]*\{)")


def strings_of(source: str) -> str:
    """The string literals; those that follow each other are one, as for the compiler."""
    parts, end = [], 0
    for match in TOKENS.finditer(source):
        text = match["raw"] if match["raw"] is not None else match["text"]
        if text is None:
            continue
        if source[end : match.start()].strip():
            parts.append("\n")
        parts.append(text)
        end = match.end()
    return "".join(parts)


class AdviceTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.programs = {}
        for main in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*_main.cpp")):
            name = main.name.removesuffix("_main.cpp")
            help_text = subprocess.run([BINARIES / name, "--help-all"], capture_output=True, text=True, check=True).stdout
            cls.programs[name] = set(OPTION.findall(help_text))
        of_torchrun = {"master-port"}
        cls.known = set().union(*cls.programs.values(), {"help", "help-all"}, of_torchrun)

    def test_programs_were_found(self):
        self.assertGreater(len(self.programs), 18)
        self.assertLess({"config", "init-from", "seed"}, self.programs["train_gpt"])

    def test_options_in_messages_exist(self):
        wrong = []
        sources = {path: path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.cpp")}
        sources |= {path: path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.h")}
        of_pages = {name for text in sources.values() for name in CSS.findall(text)}
        for path, text in sources.items():
            named = set(OPTION.findall(strings_of(text))) - of_pages
            name = path.name.removesuffix("_main.cpp")
            known = self.programs[name] | {"help"} if name in self.programs and name != path.stem else self.known
            wrong += [f"{path.relative_to(ROOT)}: --{option}" for option in sorted(named - known)]
        self.assertEqual(wrong, [])

    def test_options_in_the_documentation_exist(self):
        wrong = []
        for page in PAGES:
            for line in (ROOT / page).read_text().splitlines():
                for program in re.findall(r"build/release/bin/(\w+)", line):
                    here = line[line.index(program) :].split("#")[0].split("|")[0]
                    wrong += [f"{page}: {program} --{option}" for option in OPTION.findall(here)
                              if option not in self.programs[program] | {"help", "help-all"}]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BINARIES = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
