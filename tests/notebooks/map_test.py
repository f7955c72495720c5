#!/usr/bin/env python3
"""The map of the questions (scripts/lesson_map.py), and the text of all lessons as Markdown reads it."""
import importlib.util
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "lesson_map.py"
spec = importlib.util.spec_from_file_location("lesson_map", SCRIPT)
lesson_map = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lesson_map)

LESSON = """// %% [markdown]
// # 7. A lesson
// ## The scale
// Question 5. And Question 6. in passing.

// %%
int x = 1;

// %%
nb::claim("x", x, nb::at_least(1));
"""
README = "| 5 | Why? | open |\n| 6 | How? | [gone](gone.cpp) |\n| 7 | What? | open |\n"


class MapTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.lesson = Path(self.folder.name) / "07_a_lesson.cpp"
        self.lesson.write_text(LESSON, encoding="utf-8")

    def tearDown(self):
        self.folder.cleanup()

    def test_a_mark_leads_to_the_next_cell_with_a_claim(self):
        self.assertEqual(lesson_map.answers_in(self.lesson), {5: ("The scale", 2), 6: ("The scale", 2)})

    def test_rows_are_filled_and_others_are_open(self):
        cell = "[07_a_lesson](07_a_lesson.ipynb), The scale, cell [2]"
        self.assertEqual(
            lesson_map.filled(README, [self.lesson]), f"| 5 | Why? | {cell} |\n| 6 | How? | {cell} |\n| 7 | What? | open |\n"
        )

    def test_a_mark_without_a_claim_is_refused(self):
        self.lesson.write_text(LESSON[: LESSON.index("nb::claim")], encoding="utf-8")
        with self.assertRaisesRegex(ValueError, "no claim follows 'Question 5.'"):
            lesson_map.answers_in(self.lesson)

    def test_an_answer_to_no_question_is_refused(self):
        with self.assertRaisesRegex(ValueError, "question 5, which the map does not have"):
            lesson_map.filled("| 6 | How? | open |\n", [self.lesson])

    def test_the_map_is_up_to_date(self):
        done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


def broken_formulas(text):
    """Lines that begin a list or a heading inside of a formula: $1 at the end of one line, - x$ on the next."""
    broken, inside = [], False
    for line in text.split("\n"):
        if inside and re.match(r"\s*([-+*#>]|\d+\.)\s", line):
            broken.append(line)
        inside ^= len(re.findall(r"(?<!\\)\$", line.replace("$$", ""))) % 2 == 1
    return broken


class TextTest(unittest.TestCase):
    def test_a_formula_broken_into_a_list_is_found(self):
        self.assertEqual(broken_formulas("asks for $1\n- x$ there"), ["- x$ there"])
        self.assertEqual(broken_formulas("asks for $1$\n- a list, costs \\$3\n- more"), [])

    def test_no_formula_of_a_lesson_is_broken(self):
        for lesson in sorted(lesson_map.FOLDER.glob("[0-9][0-9]_*.cpp")):
            for cell in lesson_map.read_lesson(lesson):
                if cell.kind == "markdown":
                    self.assertEqual(broken_formulas(cell.source), [], lesson.name)


if __name__ == "__main__":
    unittest.main()
