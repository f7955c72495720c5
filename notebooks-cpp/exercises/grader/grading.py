"""Grades one file: compiles it, lets the grader run its checks, and adds the hint that the outcome deserves."""

import json
import os
import pathlib
import subprocess
import tempfile

import hints
from compile import HOW, ROOT, CompileFailure, Compiler, calls, forbidden_operator
from skeleton import EXERCISES

MOST_SECONDS = 300  # all checks of one exercise, restarts included


class GraderMissing(Exception):
    """The grader is not built, or broken; one line says what to do."""


def read_config():
    path = pathlib.Path(os.environ.get("ZOO_EXERCISES_CONFIG") or ROOT / "build/release/notebooks-cpp/exercises/exercises.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise GraderMissing(f"the grader is not built ({path.name} is missing): {HOW}") from None
    if not pathlib.Path(config["grader"]).exists():
        raise GraderMissing(f"the grader is not built ({pathlib.Path(config['grader']).name} is missing): {HOW}")
    return config


def about(name):
    """What exercise.json says."""
    return json.loads((EXERCISES / name / "exercise.json").read_text(encoding="utf-8"))


class Grader:
    def __init__(self):
        self.config = read_config()
        self.compiler = Compiler(self.config)

    def grade(self, name, source):
        """{"exercise", "title", "state", "marks", "of", "message", "detail", "checks", "misconceptions", "hints", "printed"};
        state: full, partial, none, not started, does not compile."""
        result = {"exercise": name, "title": about(name)["title"], "marks": 0, "of": 10, "message": "", "detail": "",
                  "checks": [], "misconceptions": [], "hints": [], "printed": ""}  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="zoo-exercise-") as folder:
            try:
                library = self.compiler.compile(source, name, about(name).get("forbid", []), pathlib.Path(folder))
            except CompileFailure as failure:
                return {**result, "state": "does not compile", "message": failure.message, "detail": failure.detail}
            result.update(self.run(name, library))
        used = forbidden_operator(result.pop("operators"), about(name).get("forbid", []))
        if used:
            return {**result, "marks": 0, "checks": [], "misconceptions": [], "state": "does not compile", "message": calls(used)}
        result["state"] = state_of(result)
        failed = [check for check in result["checks"] if check["state"] == "fail"]
        failing = next((check for check in failed if check["got"]), failed[0] if failed else {})  # one that threw has no numbers
        facts = {**failing, "seen": result["seen"]}
        found = [hints.find(EXERCISES / name, misconception, facts) for misconception in result["misconceptions"]]
        result["hints"] = [hint for hint in found if hint]
        return result

    def run(self, name, library):
        try:
            process = subprocess.run([self.config["grader"], name, library], capture_output=True, text=True, errors="replace",
                                     timeout=MOST_SECONDS, stdin=subprocess.DEVNULL)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise GraderMissing(f"grading {name} took more than {MOST_SECONDS} s: is the machine very busy?") from None
        if process.returncode:
            reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            raise GraderMissing(reason.removeprefix("exercise_grader: "))
        return json.loads(process.stdout)


def state_of(result):
    if result["marks"] == result["of"]:
        return "full"
    if all(check["state"] == "not started" for check in result["checks"]):
        return "not started"
    return "partial" if result["marks"] else "none"
