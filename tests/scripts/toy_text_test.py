#!/usr/bin/env python3
"""The small languages of scripts/make_toy_text.py: the same bytes every time, held-out sentences, grammar, links of words."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/make_toy_text.py"
# What the class-sized recipes' expectations were measured with.
SUMS = {"world": "1aaf57cb830d03a0089d112dfa945d6f587b50404d0f731a6efeb7fbb45e2380",
        "en-fr": "e3e2382679ceeeffcf251f7684fc1f1156c32f5184c75472e23192bd9746a092"}


def make(language, folder):
    subprocess.run([sys.executable, SCRIPT, language, folder], check=True)
    return {file.name: file.read_text(encoding="utf-8").splitlines() for file in sorted(pathlib.Path(folder).iterdir())}


class ToyText(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folders, cls.texts = {}, {}
        for language in SUMS:
            cls.folders[language] = tempfile.TemporaryDirectory()
            cls.texts[language] = make(language, cls.folders[language].name)

    @classmethod
    def tearDownClass(cls):
        for folder in cls.folders.values():
            folder.cleanup()

    def test_the_bytes_are_the_same_every_time(self):
        for language, folder in self.folders.items():
            found = hashlib.sha256()
            for file in sorted(pathlib.Path(folder.name).iterdir()):
                found.update(file.read_bytes())
            self.assertEqual(found.hexdigest(), SUMS[language], language)

    def test_the_last_tenth_of_the_world_is_new(self):
        lines = self.texts["world"]["text.txt"]
        end = len(lines) * 9 // 10
        self.assertFalse(set(lines[:end]) & set(lines[end:]))
        self.assertEqual(len(set(lines[end:])), len(lines) - end)

    def test_the_world_counts_and_agrees(self):
        numbers = "zero one two three four five six seven eight nine ten".split()
        for line in self.texts["world"]["text.txt"]:
            for words in (clause.split() for clause in line.rstrip(".").split(" and ")):
                if "plus" in words:
                    self.assertEqual(numbers.index(words[0]) + numbers.index(words[2]), numbers.index(words[4]), line)
                if "queen" in words:
                    self.assertIn("her", words, line)
                if "kings" in words:
                    self.assertIn("their", words, line)
                if words[0] in ("two", "three") and words[1] != "plus":
                    self.assertFalse(words[2].endswith("s"), line)  # two cats sleep

    def test_no_sentence_to_train_on_is_held_out(self):
        text = self.texts["en-fr"]
        parts = [set(text[f"{name}.en"]) for name in ("train", "valid", "test")]
        self.assertFalse(parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        for name in ("train", "valid", "test"):
            self.assertEqual(len(text[f"{name}.en"]), len(text[f"{name}.fr"]))

    def test_links_join_words_that_translate_each_other(self):
        meaning = {"red": "rouge", "cat": "chat", "cats": "chats", "house": "maison", "two": "deux", "not": "pas",
                   "sleeps": "dort", "horses": "chevaux", "often": "souvent", "never": "jamais", "under": "sous"}
        text, seen = self.texts["en-fr"], set()
        for english, french, links in zip(text["test.en"], text["test.fr"], text["test.align"]):
            english, french = (text.replace(".", " .").split() for text in (english, french))
            pairs = [tuple(map(int, link.split("-"))) for link in links.split()]
            # Every French word has one English word, "ne" and what belongs to it the same verb.
            self.assertEqual([target for _, target in pairs], sorted(target for _, target in pairs))
            for source, target in pairs:
                word = english[source]
                if word in meaning:
                    seen.add(word)
                    self.assertIn(french[target], (meaning[word], meaning[word] + "s", "ne"), f"{english} {french}")
        self.assertEqual(seen, set(meaning))

    def test_french_agrees(self):
        for line in self.texts["en-fr"]["train.fr"]:
            words = line.rstrip(".").split()
            for article, noun in zip(words, words[1:]):
                if article in ("le", "un", "ce", "mon"):
                    self.assertNotIn(noun, ("maison", "fille", "belle", "petite", "chats"), line)
                if article in ("la", "une", "cette", "ma"):
                    self.assertNotIn(noun, ("chat", "roi", "beau", "petit", "maisons"), line)


if __name__ == "__main__":
    unittest.main()
