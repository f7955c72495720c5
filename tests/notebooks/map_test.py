#!/usr/bin/env python3
"""scripts/lesson_map.py: marks, cells, and what it refuses; and the map of the repository is up to date."""
import importlib.util
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


if __name__ == "__main__":
    unittest.main()
