#!/usr/bin/env python3
"""Proves exercises: prove.py NN... | all. For each: the file that students get is the solution's skeleton and earns nothing;
the solution and other right answers earn full marks; each wrong answer loses marks and gets the hint that teacher/NN_name/expect.json
names, and no other.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from compile import CompileFailure
from grade import find
from grading import Grader, GraderMissing, about
from hints import read
from skeleton import BEGIN, EXERCISES, skeleton, student_file

WRONG_ANSWERS = 4  # at least
HINT_WORDS = 45


class Proof:
    def __init__(self, grader, name, folder):
        self.grader, self.name, self.scratch = grader, name, folder
        self.exercise, self.teacher = EXERCISES / name, EXERCISES / "teacher" / name
        self.solution = (self.teacher / "solution.cpp").read_text(encoding="utf-8")
        self.failures = []

    def expect(self, holds, what):
        if not holds:
            self.failures.append(f"{self.name}: {what}")

    def grade(self, text):
        path = self.scratch / student_file(self.name).name
        path.write_text(text, encoding="utf-8")
        return self.grader.grade(self.name, path)

    def run(self):
        self.prove_files()
        untouched = self.grade(skeleton(self.solution))
        self.expect(untouched["state"] == "not started" and untouched["marks"] == 0, f"untouched, it is {summary(untouched)}")
        solved = self.grade(self.solution)
        self.expect(solved["state"] == "full", f"its solution is {summary(solved)}")
        self.expect(solved["of"] == 10, f"its checks give {solved['of']} marks, not 10")
        self.prove_marks(solved)
        for path in sorted(self.teacher.glob("alt_*.cpp")):
            result = self.grade(path.read_text(encoding="utf-8"))
            self.expect(result["state"] == "full", f"{path.name}, a right answer, is {summary(result)}")
        self.prove_wrong_answers()
        return self.failures

    def prove_files(self):
        self.expect(student_file(self.name).read_text(encoding="utf-8") == skeleton(self.solution),
                    f"{student_file(self.name).name} is not the skeleton of its solution: run grader/skeleton.py")  # fmt: skip
        words = len((self.exercise / "README.md").read_text(encoding="utf-8").split())
        self.expect(words <= 200, f"README.md has {words} words, more than 200")
        about_it = about(self.name)
        for key in ("title", "minutes", "difficulty", "lesson", "paper", "needs"):
            self.expect(key in about_it, f"exercise.json lacks {key}")
        lesson = EXERCISES.parent / f"{about_it.get('lesson')}.cpp"
        self.expect(lesson.exists(), f"exercise.json names the lesson {about_it.get('lesson')}, which is not there")
        for misconception, (first, second) in read(self.exercise / "hints.md").items():
            self.expect(len(first.split()) <= HINT_WORDS, f"hint {misconception} has more than {HINT_WORDS} words")
            self.expect(second, f"hint {misconception} has no second level")

    def prove_marks(self, solved):
        """The marks that the file announces are those of the checks."""
        announced = {part: int(marks) for part, marks in re.findall(BEGIN.pattern[4:], self.solution)}
        counted = {}
        for check in solved["checks"]:
            counted[check["part"]] = counted.get(check["part"], 0) + check["of"]
        self.expect(announced == counted, f"marks of parts: the file says {announced}, the checks give {counted}")

    def prove_wrong_answers(self):
        expected = json.loads((self.teacher / "expect.json").read_text(encoding="utf-8"))
        patches = {path.stem: path for path in sorted((self.teacher / "wrong").glob("*.patch"))}
        self.expect(set(patches) == set(expected), f"expect.json and wrong/ differ: {sorted(set(patches) ^ set(expected))}")
        self.expect(len(patches) >= WRONG_ANSWERS, f"{len(patches)} wrong answers, fewer than {WRONG_ANSWERS}")
        for name in sorted(set(patches) & set(expected)):
            result = self.grade(self.patched(patches[name]))
            low, high = expected[name]["marks"]
            hint = expected[name]["hint"]
            self.expect(low <= result["marks"] <= high < result["of"], f"wrong/{name} is {summary(result)}, not {low} to {high}")
            found = result["misconceptions"][0] if result["misconceptions"] else None
            self.expect(found == hint, f"wrong/{name} gets the hint {result['misconceptions']}, not {hint}: {first_failure(result)}")
            self.expect(len(result["hints"]) == len(result["misconceptions"]), f"hints.md lacks one of {result['misconceptions']}")
            text = result["hints"][0][0] if result["hints"] else ""
            self.expect("something else" not in text, f"wrong/{name}: a value is missing in its hint: {text}")

    def patched(self, patch):
        path = self.scratch / "solution.cpp"
        path.write_text(self.solution, encoding="utf-8")
        process = subprocess.run(["patch", "--quiet", "--force", str(path), str(patch)], capture_output=True, text=True)
        self.expect(process.returncode == 0, f"wrong/{patch.name} does not apply to the solution: {process.stdout.strip()}")
        return path.read_text(encoding="utf-8")


def summary(result):
    return f"{result['state']} ({result['marks']} of {result['of']} marks) {result['message']} {first_failure(result)}".strip()


def first_failure(result):
    for check in result["checks"]:
        if check["state"] not in ("pass", "not started"):
            return f"[{check['title']}, {check['probe']}: {check['message']} {check['expected']} / {check['got']}]"
    return ""


def main():
    words = sys.argv[1:] or ["all"]
    names = [name for word in words for name in find(word)]
    failures = []
    try:
        grader = Grader()
        for name in names:
            with tempfile.TemporaryDirectory(prefix="zoo-proof-") as folder:
                failures += Proof(grader, name, pathlib.Path(folder)).run()
    except (GraderMissing, CompileFailure, OSError, ValueError) as error:
        sys.exit(f"prove: {error}")
    print("\n".join(failures) or f"prove: {len(names)} exercises hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
