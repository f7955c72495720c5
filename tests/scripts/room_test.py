#!/usr/bin/env python3
"""One zoo for a room: a user who may only read it uses its programs and data from a folder, or a clone, of his own."""

import os
import pathlib
import shutil
import sys
import unittest

from support import NOBODY, ROOT, become_nobody, may_be_nobody, open_folder, run, skip

if not may_be_nobody():
    skip("this runs programs as another user, which needs root and a repository that others may read")

PROGRAMS = ROOT / "build/release/bin"


class Room(unittest.TestCase):
    def setUp(self):
        self.folder = open_folder()
        self.addCleanup(self.folder.cleanup)
        base = pathlib.Path(self.folder.name)
        # A zoo with one program and one data set.
        self.home = base / "home"
        shutil.copytree(ROOT / "scripts", self.home / "scripts")
        shutil.copytree(ROOT / "train/recipes", self.home / "train/recipes")
        program = self.home / "build/release/bin/train_gpt"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho trained with $*\n")
        program.chmod(0o755)
        (self.home / "data/letters").mkdir(parents=True)
        (self.home / "data/tinyshakespeare").mkdir(parents=True)
        (self.home / "data/tinyshakespeare/input.txt").write_text("To be\n")
        (self.home / ".venv").mkdir()
        self.mine = base / "mine"
        self.mine.mkdir()
        os.chown(self.mine, NOBODY, NOBODY)

    def call(self, *arguments, cwd=None, **environment):
        return run(arguments, cwd or self.mine, before=become_nobody, **environment)

    def clone(self):
        shutil.copytree(ROOT / "scripts", self.mine / "scripts")
        for path in [self.mine / "scripts", *(self.mine / "scripts").rglob("*")]:
            os.chown(path, NOBODY, NOBODY)

    def expect_error(self, result, text):
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def test_programs_appear_in_the_user_s_folder(self):
        result = self.call(self.home / "scripts/build.sh", "train_gpt")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("build/release/bin", result.stdout)
        self.assertEqual(self.call("build/release/bin/train_gpt", "--help").stdout, "trained with --help\n")
        self.assertTrue((self.mine / "train/recipes/gpt-shakespeare-cpu.toml").exists())

    def test_data_is_linked_not_fetched(self):
        result = self.call(self.home / "scripts/get_data.sh", "tinyshakespeare")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.mine / "data/tinyshakespeare/input.txt").read_text(), "To be\n")
        self.assertIn("is there", self.call(self.home / "scripts/get_data.sh", "tinyshakespeare").stdout)

    def test_data_that_the_zoo_lacks_is_the_user_s_own(self):
        result = self.call(self.home / "scripts/get_data.sh", "toy-world")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.mine / "data/toy-world/text.txt").stat().st_uid, NOBODY)
        self.assertFalse((self.home / "data/toy-world").exists())

    def test_a_clone_uses_the_zoo_that_zoo_home_names(self):
        self.clone()
        for script, name in (("build.sh", "train_gpt"), ("get_data.sh", "tinyshakespeare")):
            result = self.call(self.mine / "scripts" / script, name, ZOO_HOME=str(self.home))
            self.assertEqual(result.returncode, 0, result.stderr)
        for name in ("build/release", "data/tinyshakespeare", ".venv"):
            self.assertEqual((self.mine / name).resolve(), (self.home / name).resolve())

    def test_what_is_missing_is_said_in_one_line(self):
        self.expect_error(self.call(self.home / "scripts/build.sh", "generate"), "has no generate")
        self.expect_error(self.call(self.home / "scripts/build.sh", "--own"), "clone it")
        self.expect_error(self.call(self.home / "scripts/build.sh", "train_gpt", cwd="/"), "a folder of your own")
        self.clone()
        self.expect_error(self.call(self.mine / "scripts/build.sh", ZOO_HOME="/nowhere"), "ZOO_HOME is /nowhere")

    @unittest.skipUnless((PROGRAMS / "train_bert").exists() and (PROGRAMS / "fill_mask").exists(), "no built programs")
    def test_a_model_is_trained_and_used(self):
        training = "--config bert-demo --data data/toy-world/text.txt --max-steps 1 --threads 1 --out runs/bert"
        for arguments in ((ROOT / "scripts/build.sh", "train_bert", "fill_mask"),
                          (ROOT / "scripts/get_data.sh", "toy-world"),
                          ("build/release/bin/train_bert", *training.split()),
                          ("build/release/bin/fill_mask", "--model", "runs/bert", "the cow says [MASK].")):
            result = self.call(*arguments)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual((self.mine / "runs/bert/config.json").stat().st_uid, NOBODY)


if __name__ == "__main__":
    unittest.main()
