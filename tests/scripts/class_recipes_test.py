#!/usr/bin/env python3
"""One update of each class-sized recipe, with the commands that its first lines give, and on stand-ins for what is downloaded.

    tests/scripts/class_recipes_test.py [BIN]      default: build/release/bin
"""

import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import unittest

from support import ROOT, run, skip

BIN = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ROOT / "build/release/bin").resolve()
RECIPES = sorted((ROOT / "train/recipes").glob("*-class.toml"))
if not (BIN / "train_gpt").exists():
    skip("the programs are not built")


def idx(folder, part, count):
    pixels = bytes((i * 37 + n) % 256 for n in range(count) for i in range(784))
    (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + bytes(n % 10 for n in range(count)))


def stand_in(folder, name):
    """Data of the form that scripts/get_data.sh leaves; what is made, not downloaded, as it is."""
    data = folder / "data" / name
    data.mkdir(parents=True)
    if name == "tinyshakespeare":
        (data / "input.txt").write_text("ROMEO:\nWhat light through yonder window breaks?\n" * 400)
    elif name == "mnist":
        idx(data, "train", 200)
        idx(data, "t10k", 40)
        subprocess.run([sys.executable, ROOT / "scripts/make_images.py", "digits", data, data / "digits"], check=True)
    elif name == "shapes":
        subprocess.run([sys.executable, ROOT / "scripts/make_images.py", "shapes", "-", data], check=True)
    else:
        subprocess.run([sys.executable, ROOT / "scripts/make_toy_text.py", name.removeprefix("toy-"), data], check=True)


def commands_of(recipe):
    """The commands of the first lines, as lists of words."""
    lines = re.findall(r"^#   (.*)$", recipe.read_text(), flags=re.M)
    return [shlex.split(line) for line in lines]


class ClassRecipes(unittest.TestCase):
    def test_there_is_one_for_each_family(self):
        self.assertEqual([recipe.stem for recipe in RECIPES],
                         ["bert-class", "clip-class", "gpt-class", "transformer-class", "vit-class"])

    def test_each_says_what_it_should_reach(self):
        for recipe in RECIPES:
            self.assertRegex(recipe.read_text(), r"(?m)^expect-at-(least|most) = ", recipe.name)

    def test_their_commands_run(self):
        for recipe in RECIPES:
            with self.subTest(recipe.stem), tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                (folder / "train").symlink_to(ROOT / "train")
                for words in commands_of(recipe):
                    if words[0] == "scripts/get_data.sh":
                        for data in words[1:]:
                            stand_in(folder, data)
                        continue
                    words = [part for word in words for part in (sorted(folder.glob(word)) if "*" in word else [word])]
                    if words[0].startswith("train_"):
                        words += ["--max-steps", "1", "--threads", "1"]
                        if words[0] == "train_clip":
                            words += ["--shapes", "128", "--validation-shapes", "32"]
                    result = run([BIN / words[0], *words[1:]], folder)
                    self.assertEqual(result.returncode, 0, f"{words}\n{result.stdout}{result.stderr}")


if __name__ == "__main__":
    unittest.main()
