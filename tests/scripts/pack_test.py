#!/usr/bin/env python3
"""What scripts/pack.sh packs runs where nothing is but the C library: as another user, in a root of its own.

    tests/scripts/pack_test.py        # after scripts/build.sh programs
"""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import unittest

from support import NOBODY, ROOT, may_be_nobody, open_folder, run, skip

PROGRAMS = ROOT / "build/release/bin"
if not may_be_nobody():
    skip("a root of its own (chroot) needs root, and a repository that others may read")
# With a /proc, by which programs find what lies beside them.
ROOM = ["unshare", "--fork", "--pid", "--mount-proc", f"--setuid={NOBODY}", f"--setgid={NOBODY}"]
if shutil.which("unshare") is None or subprocess.run([*ROOM, "true"], capture_output=True).returncode:
    skip("this machine grants no namespaces (unshare)")
if not (PROGRAMS / "train_bert").exists() or not (PROGRAMS / "score").exists():
    skip("the release programs are not built")


def c_library(program):
    """Files of the C library that this machine's programs load."""
    names = r"(ld-linux[^/]*|lib(c|m|mvec|dl|rt|pthread|util))\.so\.\d+"
    lines = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.split()
    return sorted({word for word in lines if word.startswith("/") and re.fullmatch(names, word.rsplit("/", 1)[1])})


class Pack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = open_folder()
        cls.root = pathlib.Path(cls.folder.name) / "root"
        cls.root.mkdir()
        cls.zoo = cls.root / "zoo"
        cls.packed = subprocess.run([ROOT / "scripts/pack.sh", "--as-built", "--data", "toy-world", "--folder", cls.zoo],
                                    capture_output=True, text=True)
        if cls.packed.returncode:
            raise AssertionError(cls.packed.stdout + cls.packed.stderr)
        for file in c_library(PROGRAMS / "train_bert"):
            target = cls.root / file.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(file), target)
        for name in ("proc", "dev"):
            (cls.root / name).mkdir()
        for name, minor in (("null", 3), ("urandom", 9)):
            os.mknod(cls.root / "dev" / name, stat.S_IFCHR, os.makedev(1, minor))
            os.chmod(cls.root / "dev" / name, 0o666)
        os.chown(cls.zoo / "runs", NOBODY, NOBODY)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def call(self, *arguments):
        return run([*ROOM, f"--root={self.root}", "--wd=/zoo", *arguments], "/")

    def expect_success(self, *arguments):
        result = self.call(*arguments)
        self.assertEqual(result.returncode, 0, f"{arguments}: {result.stdout}{result.stderr}")
        return result.stdout

    def test_every_program_starts(self):
        programs = sorted((self.zoo / "bin").iterdir())
        self.assertGreater(len(programs), 15)
        for program in programs:
            self.assertIn(program.name, self.expect_success(f"/zoo/bin/{program.name}", "--help"))

    def test_a_model_is_trained_and_used(self):
        training = "--config train/recipes/bert-class.toml --max-steps 1 --threads 1 --out runs/bert"
        self.expect_success("/zoo/bin/train_bert", *training.split())
        self.expect_success("/zoo/build/release/bin/fill_mask", "--model", "runs/bert", "the cow says [MASK].")

    def test_it_says_what_it_needs(self):
        glibc = re.search(r"needs glibc (2\.\d+)", self.packed.stdout).group(1)
        self.assertIn(f"glibc {glibc} or later", (self.zoo / "README.txt").read_text())
        # Each symbol version that a file names is that one or an older one.
        for file in [*(self.zoo / "bin").iterdir(), *(self.zoo / "lib").iterdir()]:
            for version in re.findall(rb"GLIBC_2\.(\d+)", file.read_bytes()):
                self.assertLessEqual(int(version), int(glibc.split(".")[1]), file)

    def test_licences_are_in_it(self):
        names = [file.name for file in (self.zoo / "licences").iterdir()]
        self.assertIn("transformer-zoo", names)
        self.assertGreater(len(names), 3, names)

    def test_a_folder_that_exists_is_refused(self):
        result = subprocess.run([ROOT / "scripts/pack.sh", "--as-built", "--folder", self.zoo], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("is there already", result.stderr)


if __name__ == "__main__":
    unittest.main()
