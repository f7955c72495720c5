"""A student's work: the files to edit, and the progress kept beside them.

The files lie in the folder `exercises` of the repository, which git ignores, or, for a room that shares one installation, in
the folder that --work or ZOO_EXERCISES names.
"""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

from compile import ROOT
from skeleton import EXERCISES, all_names, student_file

PAUSE = 15 * 60  # seconds between two gradings that still count as work
STUCK_ATTEMPTS = 5


class Work:
    def __init__(self, folder=None):
        chosen = folder or os.environ.get("ZOO_EXERCISES") or ROOT / "exercises"
        self.folder = pathlib.Path(chosen).expanduser().resolve()
        made = self.fill()
        if made:
            print(f"grade: {made} exercises to write are in {self.folder}", file=sys.stderr)
        self.progress_path = self.folder / ".progress.json"
        self.progress = self.read_progress()

    def fill(self):
        """Puts the files and texts of exercises that are not there into the folder; the number of new files."""
        made = 0
        for name in all_names():
            path = self.file(name)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                readme = path.parent / "README.md"
                if not readme.exists():
                    shutil.copyfile(EXERCISES / name / "README.md", readme)
                if not path.exists():
                    write_whole(path, untouched(name))
                    made += 1
            except OSError as error:
                raise SystemExit(f"grade: {self.folder} cannot be written ({error.strerror}): name another folder with "
                                 "--work or ZOO_EXERCISES") from None  # fmt: skip
        return made

    def file(self, name):
        """Exercise 01_masked_softmax is written in masked_softmax.cpp."""
        return self.folder / name / f"{name[3:]}.cpp"

    def read_progress(self):
        """{exercise: {"marks", "best", "state", "attempts", "seconds", "hints": [first, second], "check", "same_check",
        "misconception", "hash", "graded"}}; entries of exercises that are no more stay."""
        try:
            progress = json.loads(self.progress_path.read_text(encoding="utf-8"))
            return progress if isinstance(progress, dict) else {}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            spoilt = self.progress_path.with_suffix(".damaged")
            self.progress_path.replace(spoilt)
            print(f"grade: {self.progress_path.name} was damaged; it is now {spoilt.name}, and progress begins anew",
                  file=sys.stderr)  # fmt: skip
            return {}

    def entry(self, name):
        return self.progress.get(name, {})

    def is_done(self, name):
        return self.entry(name).get("state") == "full"

    def current(self):
        """The first exercise that is not done; None at the end."""
        return next((name for name in all_names() if not self.is_done(name)), None)

    def record(self, name, result, hint_level):
        """Keeps what a grading said. The same file graded again is no new attempt."""
        before = self.entry(name)
        digest = hash_of(self.file(name))
        is_new = digest != before.get("hash") and result["state"] != "not started"
        now = time.time()
        gap = now - before.get("graded", now)
        failing = next((check["title"] for check in result["checks"] if check["state"] not in ("pass", "not started")), "")
        check = result["message"] and "compile" or failing
        shown = [1 if result["hints"] else 0, 1 if result["hints"] and hint_level > 1 else 0]
        entry = {
            "marks": result["marks"],
            "best": max(result["marks"], before.get("best", 0)),
            "state": result["state"],
            "attempts": before.get("attempts", 0) + is_new,
            "seconds": before.get("seconds", 0) + (round(gap) if gap < PAUSE else 0),
            "hints": [old + new for old, new in zip(before.get("hints", [0, 0]), shown)],
            "check": check,
            "same_check": before.get("same_check", 0) + is_new if check and check == before.get("check") else int(is_new),
            "misconception": (result["misconceptions"] or [""])[0],
            "hash": digest,
            "graded": now,
        }
        self.progress[name] = entry
        write_whole(self.progress_path, json.dumps(self.progress, indent=1) + "\n")

    def reset(self, name):
        """Brings the untouched file back; the old one stays beside it, numbered."""
        path = self.file(name)
        kept = None
        if path.exists():
            kept = next(other for n in range(1, 10000) if not (other := path.with_suffix(f".{n}.cpp.bak")).exists())
            path.replace(kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, untouched(name))
        return kept


def untouched(name):
    """What students begin with."""
    return student_file(name).read_text(encoding="utf-8")


def is_untouched(name, path):
    try:
        return path.read_text(encoding="utf-8", errors="replace").split() == untouched(name).split()
    except OSError:
        return False


def hash_of(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def write_whole(path, text):
    """Never half a file, also where the disk is full."""
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(made, path)
    except OSError as error:
        pathlib.Path(made).unlink(missing_ok=True)
        raise SystemExit(f"grade: {path} cannot be written ({error.strerror}): make room, and call again") from None


def is_stuck(entry, minutes):
    """Five attempts on one check, or twice the time that the exercise should take."""
    if entry.get("state") == "full":
        return False
    return entry.get("same_check", 0) >= STUCK_ATTEMPTS or entry.get("seconds", 0) > 2 * 60 * minutes
