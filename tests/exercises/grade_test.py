#!/usr/bin/env python3
"""scripts/grade.sh as a student and a teacher use it: the work folder, watch, reset, report, collect."""

import csv
import json
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks-cpp/exercises/grader"))
from grading import GraderMissing, read_config  # noqa: E402
from skeleton import EXERCISES, all_names, student_file  # noqa: E402

NAME = "01_masked_softmax"
SOLUTION = EXERCISES / "teacher" / NAME / "solution.cpp"
PATCH = EXERCISES / "teacher" / NAME / "wrong/mask_after_softmax.patch"
PATIENCE = 240  # seconds, on a machine with much else to do


def grade(*words, work, **options):
    command = [str(ROOT / "scripts/grade.sh"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ZOO_EXERCISES": str(work)}, **options)


def wrong_answer():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "solution.cpp"
        path.write_text(SOLUTION.read_text(encoding="utf-8"), encoding="utf-8")
        subprocess.run(["patch", "--quiet", str(path), str(PATCH)], check=True)
        return path.read_text(encoding="utf-8")


class Front(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.work = pathlib.Path(self.folder.name) / "my work"
        self.file = self.work / NAME / "masked_softmax.cpp"

    def tearDown(self):
        self.folder.cleanup()

    def test_the_first_call_fills_the_folder_and_later_ones_keep_what_is_there(self):
        listed = grade("list", work=self.work)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertNotIn("to write are in", listed.stdout)  # --json of a first call is JSON alone
        self.assertEqual(sorted(path.name for path in self.work.iterdir() if path.is_dir()), all_names())
        self.file.write_text("mine", encoding="utf-8")
        grade("list", work=self.work)
        self.assertEqual(self.file.read_text(encoding="utf-8"), "mine")

    def test_progress_hints_reset_and_report(self):
        grade("list", work=self.work)
        self.file.write_text(wrong_answer(), encoding="utf-8")
        first = grade("1", work=self.work)
        self.assertEqual(first.returncode, 1)
        self.assertIn("Think:", first.stdout)
        again = grade("01", "--hint", work=self.work)
        self.assertGreater(len(again.stdout), len(first.stdout))
        entry = json.loads((self.work / ".progress.json").read_text(encoding="utf-8"))[NAME]
        self.assertEqual((entry["attempts"], entry["hints"], entry["misconception"]), (1, [2, 1], "mask-after-softmax"))
        self.file.write_text(SOLUTION.read_text(encoding="utf-8"), encoding="utf-8")
        self.assertEqual(grade("01", work=self.work).returncode, 0)
        self.assertEqual(grade("report", work=self.work).returncode, 0)
        page = (self.work / "report.html").read_text(encoding="utf-8")
        self.assertIn(f"1 of {len(all_names())} exercises done, 10 of", page)
        self.assertEqual(grade("reset", "01", work=self.work).returncode, 0)
        self.assertEqual(self.file.read_text(encoding="utf-8"), student_file(NAME).read_text(encoding="utf-8"))
        self.assertEqual(len(list(self.file.parent.glob("*.bak"))), 1)

    def test_a_damaged_progress_file_is_put_aside(self):
        grade("list", work=self.work)
        (self.work / ".progress.json").write_text("{half", encoding="utf-8")
        listed = grade("list", work=self.work)
        self.assertEqual(listed.returncode, 0)
        self.assertIn("was damaged", listed.stderr)

    def test_wrong_use_is_one_line(self):
        grade("list", work=self.work)
        wrong = {("99",): "no exercise '99'", ("reset",): "name one exercise", ("watch", "x"): "no exercise 'x'",
                 ("all", "--hint"): "--hint has no meaning with all", ("all", "--file", "x.cpp"): "--file has no meaning",
                 ("list", "--json"): "--json has no meaning", ("01", "02"): "'02' has no meaning with 01"}  # fmt: skip
        failed = {("collect",): "expects a folder", ("collect", "/no/such"): "is no folder"}
        for code, cases in {2: wrong, 1: failed}.items():
            for words, told in cases.items():
                process = grade(*words, work=self.work)
                self.assertEqual(process.returncode, code, words)
                self.assertIn(told, process.stderr)
                self.assertEqual(process.stderr.count("\n"), 1)
        missing = subprocess.run([ROOT / "scripts/grade.sh", "01"], capture_output=True, text=True,
                                 env={**os.environ, "ZOO_EXERCISES": str(self.work), "ZOO_EXERCISES_CONFIG": "/no/such.json"})  # fmt: skip
        self.assertIn("run scripts/grade.sh --setup", missing.stderr)

    def test_watch_grades_what_is_saved_and_moves_on(self):
        grade("list", work=self.work)
        self.file.write_text(wrong_answer(), encoding="utf-8")
        master, slave = pty.openpty()
        process = subprocess.Popen([str(ROOT / "scripts/grade.sh"), "watch"], stdin=slave, stdout=slave, stderr=slave,
                                   env={**os.environ, "ZOO_EXERCISES": str(self.work)})  # fmt: skip
        os.close(slave)
        try:
            self.read_until(master, "Think:")
            os.write(master, b"h")
            self.read_until(master, "Your order of steps")
            self.file.write_text(SOLUTION.read_text(encoding="utf-8"), encoding="utf-8")
            self.read_until(master, f"Next: {all_names()[1]}" if len(all_names()) > 1 else "the last one")
            os.write(master, b"l")
            self.read_until(master, f"  {NAME}")
            os.write(master, b"q")
            process.wait(PATIENCE)
            self.assertEqual(process.returncode, 0)
        finally:
            process.kill()
            process.wait()
            os.close(master)

    def read_until(self, terminal, text):
        seen, end = "", time.time() + PATIENCE
        while text not in seen:
            ready, _, _ = select.select([terminal], [], [], max(0, end - time.time()))
            self.assertTrue(ready, f"'{text}' did not come after:\n{seen}")
            seen += os.read(terminal, 4096).decode(errors="replace")
        return seen

    def test_a_piece_is_used_by_a_program(self):
        program = ROOT / "build/release/bin/train_gpt"
        if not program.exists():
            self.skipTest("train_gpt is not built")
        grade("list", work=self.work)
        name = "10_block"
        file = self.work / name / "block.cpp"
        solution = (EXERCISES / "teacher" / name / "solution.cpp").read_text(encoding="utf-8")
        text = self.work / "text.txt"
        text.write_text("to be or not to be, that is the question\n" * 40, encoding="utf-8")
        options = ["--data", text, "--tokenizer", "character", "--d-model", "16", "--heads", "2", "--layers", "1", "--context", "16",
                   "--max-steps", "2"]  # fmt: skip
        losses = {}
        for kind, source in {"zoo": None, "own": solution, "doubled": solution.replace("x + sub_layer(", "x + 2 * sub_layer(")}.items():
            out = self.work / kind
            if source:
                file.write_text(source, encoding="utf-8")
                process = grade("use", "10", program, *options, "--out", out, work=self.work)
            else:
                process = subprocess.run([program, *options, "--out", out], capture_output=True, text=True)
            self.assertEqual(process.returncode, 0, process.stderr)
            lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            losses[kind] = [json.loads(line)["loss"] for line in lines if "loss" in line]
        self.assertEqual(losses["zoo"], losses["own"])
        self.assertNotEqual(losses["zoo"], losses["doubled"])
        refused = grade("use", "3", work=self.work)
        self.assertIn("expects an exercise that the zoo's programs can use", refused.stderr)

    def test_a_class_is_collected_whatever_its_submissions_are(self):
        hand_in = pathlib.Path(self.folder.name) / "class"
        for student, text in {"ada": SOLUTION.read_text(encoding="utf-8"), "bob": wrong_answer(), "cyd": "not C++",
                              "=dan": student_file(NAME).read_text(encoding="utf-8")}.items():  # fmt: skip
            (hand_in / student / NAME).mkdir(parents=True)
            (hand_in / student / NAME / "masked_softmax.cpp").write_text(text, encoding="utf-8")
        with zipfile.ZipFile(hand_in / "eve.zip", "w") as archive:
            archive.writestr("../../evil.txt", "outside")
            archive.writestr("eve/deep/masked_softmax.cpp", SOLUTION.read_text(encoding="utf-8"))
        for name in ("Jörg A.zip", "Jörg B.ZIP", "ada.zip"):  # what differs behind a dot, or is there as a folder, is another student
            with zipfile.ZipFile(hand_in / name.replace(" ", "."), "w") as archive:
                archive.writestr("masked_softmax (1).cpp", SOLUTION.read_text(encoding="utf-8"))
        (hand_in / "kim.rar").write_bytes(b"Rar!")
        (hand_in / "list.txt").write_text("who is in the class", encoding="utf-8")
        (hand_in / "fay.zip").write_bytes(b"PK no archive")
        (hand_in / "gil").mkdir()
        os.symlink("/etc/passwd", hand_in / "gil/masked_softmax.cpp")
        process = grade("collect", hand_in, work=self.work)
        self.assertEqual(process.returncode, 0, process.stderr)
        students = {row["student"]: row for row in json.loads((hand_in / "class.json").read_text(encoding="utf-8"))["students"]}
        self.assertEqual({name: row["total"] for name, row in students.items()},
                         {"=dan": 0, "Jörg.A": 0, "Jörg.B": 0, "ada": 10, "ada.zip": 0, "bob": 4, "cyd": 0, "eve": 10, "fay": 0,
                          "gil": 0, "kim.rar": 0})  # fmt: skip
        self.assertEqual(students["bob"]["exercises"][NAME]["misconception"], "mask-after-softmax")
        self.assertEqual(students["cyd"]["exercises"][NAME]["state"], "does not compile")
        self.assertEqual(students["=dan"]["exercises"][NAME]["state"], "not started")
        self.assertEqual(students["gil"]["exercises"][NAME]["state"], "missing")
        self.assertIn("cannot be unpacked", students["fay"]["problem"])
        self.assertIn("named so: masked_softmax (1).cpp", students["Jörg.A"]["problem"])
        self.assertIn("named so: masked_softmax (1).cpp", students["Jörg.B"]["problem"])
        self.assertIn("neither a folder nor", students["kim.rar"]["problem"])
        self.assertIn("list.txt is left out", process.stderr)
        self.assertFalse((hand_in.parent.parent / "evil.txt").exists())
        with open(hand_in / "class.csv", newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
        self.assertEqual(len(rows), 12)
        self.assertTrue(all(not cell.startswith("=") for row in rows for cell in row))
        self.assertIn("mask-after-softmax", (hand_in / "class.html").read_text(encoding="utf-8"))


if __name__ == "__main__":
    try:
        read_config()
    except GraderMissing as error:
        print(f"grade_test: {error}")
        sys.exit(77)
    unittest.main()
