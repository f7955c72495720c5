#!/usr/bin/env python3
"""scripts/get_data.sh: what it says of downloads, its list, pictures that it makes, names that it does not know."""

import os
import pathlib
import pty
import shutil
import struct
import sys
import unittest

from support import ROOT, open_folder, run

sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
import fetch_package  # noqa: E402

PNG = b"\x89PNG\r\n\x1a\n"


class Answer:
    """As pip's session gives it."""

    def __init__(self, content, with_length=True):
        self.content = content
        self.headers = {"Content-Length": str(len(content))} if with_length else {}

    def iter_content(self, size):
        return (self.content[at:at + size] for at in range(0, len(self.content), size))


def words_of(answer, reader, writer):
    content = fetch_package.received(answer, "a.whl", writer)
    os.close(writer)
    found = b""
    while True:
        try:
            piece = os.read(reader, 1 << 16)
        except OSError:  # the end of a terminal
            break
        if not piece:
            break
        found += piece
    os.close(reader)
    return content, found.decode()


class GetData(unittest.TestCase):
    def setUp(self):
        folder = open_folder()
        self.addCleanup(folder.cleanup)
        self.zoo = pathlib.Path(folder.name)
        shutil.copytree(ROOT / "scripts", self.zoo / "scripts")

    def get(self, *names):
        return run([self.zoo / "scripts/get_data.sh", *names], self.zoo)

    def test_a_log_has_one_line_with_the_size(self):
        content = bytes(1_500_000)
        found, words = words_of(Answer(content), *os.pipe())
        self.assertEqual(found, content)
        self.assertEqual(words, "get_data: downloading a.whl (1.5 MB)\n")
        self.assertIn("unknown size", words_of(Answer(content, with_length=False), *os.pipe())[1])

    def test_a_terminal_shows_how_far_it_is(self):
        content = bytes(1_500_000)
        found, words = words_of(Answer(content), *pty.openpty())
        self.assertEqual(found, content)
        steps = [step for step in words.split("\r") if "of 1.5 MB" in step]
        self.assertEqual(steps[0].strip(), "get_data: downloading a.whl: 0.3 of 1.5 MB")
        self.assertEqual(steps[-1].strip(), "get_data: downloading a.whl: 1.5 of 1.5 MB")

    def test_the_list_says_what_is_downloaded(self):
        lines = self.get("--list").stdout.splitlines()
        self.assertTrue(any(line.split()[0] == "mnist" and "(download 15.5 MB)" in line for line in lines), lines)
        self.assertTrue(any(line.split()[0] == "shapes" and "(no download)" in line for line in lines), lines)

    def test_several_names_and_what_is_there_already(self):
        result = self.get("shapes", "toy-world")
        self.assertEqual(result.returncode, 0, result.stderr)
        pictures = sorted((self.zoo / "data/shapes").glob("*.png"))
        self.assertEqual(len(pictures), 32)
        self.assertTrue(all(picture.read_bytes().startswith(PNG) for picture in pictures))
        self.assertIn("shapes is there", self.get("shapes").stdout)

    def test_an_unknown_name_stops_before_anything_is_fetched(self):
        result = self.get("shapes", "mnits")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"^get_data: unknown data set mnits; known are: .*\bmnist\b.*\n$")
        self.assertFalse((self.zoo / "data").exists())

    def test_digits_of_an_older_download_are_added(self):
        data = self.zoo / "data/mnist"
        data.mkdir(parents=True)
        labels = bytes(range(10))
        (data / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 10, 28, 28) + bytes(7840))
        (data / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 10) + labels)
        self.assertEqual(self.get("mnist").returncode, 0)
        self.assertEqual([file.name for file in sorted((data / "digits").iterdir())], [f"{n}.png" for n in range(10)])


if __name__ == "__main__":
    unittest.main()
