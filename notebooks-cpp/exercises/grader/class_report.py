"""scripts/grade.sh collect FOLDER: grades a class's submissions and writes its table as CSV, JSON and a page.

FOLDER holds a folder, a .zip or a .tar.gz for each student; the exercises' files may lie at any depth inside. Every file is
compiled with limits and run in a child process, as a student's own gradings are (README.md tells what is contained).
"""

import concurrent.futures
import csv
import hashlib
import html
import io
import json
import os
import pathlib
import statistics
import sys
import tarfile
import tempfile
import zipfile

import pages
from grading import Grader, GraderMissing, about
from skeleton import EXERCISES, all_names
from work import hash_of, is_stuck, is_untouched, write_whole

MOST_FILES, MOST_BYTES = 5000, 50 << 20  # of an archive, unpacked
SOURCE_BYTES = 1 << 20  # of one exercise's file
ENDINGS = (".zip", ".tar.gz", ".tgz", ".tar")
OTHER_ENDINGS = (".7z", ".rar", ".gz", ".bz2", ".xz", ".cpp")  # somebody's work, but not as it should be


def collect(folder, out):
    if folder is None:
        raise SystemExit("grade: collect expects a folder with a folder, .zip or .tar.gz for each student")
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise SystemExit(f"grade: {folder} is no folder; expected one with a folder, .zip or .tar.gz for each student")
    out = out or folder
    grader = Grader()
    with tempfile.TemporaryDirectory(prefix="zoo-class-") as scratch:
        submissions = find_submissions(folder, pathlib.Path(scratch))
        if not submissions:
            raise SystemExit(f"grade: {folder} holds no submissions; expected a folder, .zip or .tar.gz for each student")
        students = grade_class(grader, submissions)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "class.json", json.dumps({"grader": version(), "students": students}, indent=1, ensure_ascii=False) + "\n")
    write_whole(out / "class.csv", "\ufeff" + to_csv(students))  # or a spreadsheet takes it for Latin-1
    write_whole(out / "class.html", to_page(students))
    print(f"grade: {len(students)} students: {out / 'class.csv'}, class.json, class.html")
    return 0


# ---- Submissions ------------------------------------------------------------------------------------------------------


def find_submissions(folder, scratch):
    """{student: (folder or None, why not)}"""
    found = {}
    for number, path in enumerate(sorted(folder.iterdir())):
        if path.name.startswith(".") or path.name in ("class.csv", "class.json", "class.html"):
            continue
        ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending) and path.is_file()), "")
        student = path.name.removesuffix(path.name[len(path.name) - len(ending) :])
        if student in found:
            student = path.name  # ada and ada.zip
        if path.is_dir():
            found[student] = (path, other_names(path.rglob("*.cpp")))
        elif not ending and path.name.lower().endswith(OTHER_ENDINGS):
            found[student] = (None, f"neither a folder nor one of {', '.join(ENDINGS)}")
        elif not ending:
            print(f"grade: {path.name} is left out: neither a folder nor an archive", file=sys.stderr)
        else:
            target = scratch / str(number)
            target.mkdir()
            try:
                found[student] = (target, other_names(unpack(path, target)))
            except (OSError, ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
                found[student] = (None, f"the archive cannot be unpacked: {str(error).splitlines()[0] if str(error) else 'it is damaged'}")
    return found


def file_names():
    """{file that students edit: its exercise}"""
    return {f"{name[3:]}.cpp": name for name in all_names()}


def other_names(sources):
    """What to tell of sources that are no exercise's file: renamed ones, mostly."""
    strange = sorted({path.name for path in sources if path.name not in file_names() and not path.name.startswith(".")})
    more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
    return f"not graded, for no exercise's file is named so: {', '.join(strange[:3])}{more}" if strange else ""


def unpack(path, target):
    """Sources and progress only, by their names; no path of the archive reaches the disk. Gives the sources' paths."""
    wanted = file_names() | {".progress.json": ""}
    total = 0
    sources = []
    for count, (inner, size, read) in enumerate(members(path)):
        if count >= MOST_FILES:
            raise ValueError(f"more than {MOST_FILES} files")
        base = pathlib.PurePosixPath(inner.replace("\\", "/")).name
        if "/__MACOSX/" in f"/{inner}":
            continue
        if base.endswith(".cpp"):
            sources.append(pathlib.PurePosixPath(base))
        if base not in wanted:
            continue
        total += size
        if size > SOURCE_BYTES or total > MOST_BYTES:
            raise ValueError(f"{base} is larger than {SOURCE_BYTES >> 20} MB")
        place = target / wanted[base]
        place.mkdir(exist_ok=True)
        (place / base).write_bytes(read()[:SOURCE_BYTES])
    return sources


def members(path):
    """(name, size, function that reads it) of an archive's files."""
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, lambda info=info: archive.open(info).read(SOURCE_BYTES + 1)
    else:
        with tarfile.open(path) as archive:
            for info in archive:
                if info.isfile():
                    yield info.name, info.size, lambda info=info: archive.extractfile(info).read(SOURCE_BYTES + 1)


def find_file(folder, name):
    """The exercise's file in a submission: in a folder of its name, or the only one with its file name."""
    file_name = f"{name[3:]}.cpp"
    found = [path for path in sorted(folder.rglob(file_name)) if path.is_file() and not path.is_symlink()]
    in_place = [path for path in found if path.parent.name == name]
    return next(iter(in_place or found), None)


def progress_of(folder):
    path = next(iter(sorted(folder.rglob(".progress.json"))), None)
    try:
        progress = json.loads(path.read_text(encoding="utf-8")) if path and path.stat().st_size < SOURCE_BYTES else {}
    except (OSError, ValueError):
        return {}
    return {name: entry for name, entry in progress.items() if isinstance(entry, dict)} if isinstance(progress, dict) else {}


# ---- Gradings -----------------------------------------------------------------------------------------------------------


def grade_class(grader, submissions):
    """A row for each student. The same file, handed in twice, is graded once."""
    known = {}
    rows = []
    workers = max(1, min(len(os.sched_getaffinity(0)), 8))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for number, (student, (folder, problem)) in enumerate(submissions.items(), 1):
            print(f"grade: {student} ({number} of {len(submissions)})", file=sys.stderr)
            row = {"student": student, "problem": problem, "total": 0, "done": 0, "exercises": {}}
            rows.append(row)
            if folder is None:
                continue
            progress = progress_of(folder)
            work = {name: (name, find_file(folder, name), progress.get(name, {})) for name in all_names()}
            graded = pool.map(lambda one: grade_file(grader, known, *one), work.values())
            row["exercises"] = dict(zip(work, graded))
            row["total"] = sum(entry["marks"] for entry in row["exercises"].values())
            row["done"] = sum(entry["state"] == "full" for entry in row["exercises"].values())
    return rows


def grade_file(grader, known, name, path, progress):
    entry = {"marks": 0, "state": "missing", "check": "", "misconception": "", "hash": "", "attempts": number_of(progress, "attempts"),
             "minutes": round(number_of(progress, "seconds") / 60), "hints": progress.get("hints", [0, 0])}  # fmt: skip
    if path is None:
        return entry
    entry["hash"] = hash_of(path)
    if is_untouched(name, path):
        return {**entry, "state": "not started"}
    if path.stat().st_size > SOURCE_BYTES:
        return {**entry, "state": "too large"}
    key = (name, entry["hash"])
    if key not in known:
        try:
            known[key] = grader.grade(name, path)
        except GraderMissing as error:  # a submission never stops the batch
            known[key] = {"marks": 0, "state": "not graded", "checks": [], "misconceptions": [], "message": str(error)}
    result = known[key]
    failing = next((check["title"] for check in result["checks"] if check["state"] not in ("pass", "not started")), result["message"])
    entry.update(marks=result["marks"], state=result["state"], check=failing, misconception=(result["misconceptions"] or [""])[0])
    entry["stuck"] = is_stuck({**progress, "state": result["state"]}, about(name)["minutes"]) if progress else False
    return entry


def number_of(progress, key):
    value = progress.get(key, 0)
    return value if isinstance(value, (int, float)) else 0


def version():
    """Changes where checks or grader change."""
    digest = hashlib.sha256()
    for path in sorted([*EXERCISES.glob("*/checks.cpp"), *EXERCISES.glob("grader/*.cpp")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


# ---- Tables -------------------------------------------------------------------------------------------------------------


def to_csv(students):
    names = all_names()
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["student", "total", "done", "problem", "grader",
                    *[f"{name[:2]} {column}" for name in names for column in ("marks", "state", "first failing check", "misconception",
                                                                             "attempts", "minutes", "hash")]])  # fmt: skip
    for row in students:
        cells = []
        for name in names:
            entry = row["exercises"].get(name, {})
            cells += [entry.get(key, "") for key in ("marks", "state", "check", "misconception", "attempts", "minutes", "hash")]
        table.writerow([plain(cell) for cell in [row["student"], row["total"], row["done"], row["problem"], version(), *cells]])
    return out.getvalue()


def plain(cell):
    """A spreadsheet takes text that begins like a formula for one."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell[:1] else cell


def to_page(students):
    names = all_names()
    rows = []
    for row in students:
        cells = [html.escape(row["student"]), str(row["total"]), str(row["done"])]
        cells += [mark_cell(row["exercises"].get(name, {})) for name in names]
        rows.append(cells)
    rows.append(["<b>full marks</b>", "", "", *[share_full(students, name) for name in names]])
    rows.append(["<b>median attempts</b>", "", "", *[median(students, name, "attempts") for name in names]])
    rows.append(["<b>median minutes</b>", "", "", *[median(students, name, "minutes") for name in names]])
    header = ["Student", "Marks*", "Done*", *[name[:2] for name in names]]
    problems = [f"<li>{html.escape(row['student'])}: {html.escape(row['problem'])}</li>" for row in students if row["problem"]]
    stuck = [f"<li>{html.escape(row['student'])}: {html.escape(name)}, {html.escape(entry['check'])}</li>" for row in students
             for name, entry in row["exercises"].items() if entry.get("stuck")]  # fmt: skip
    body = f'<div class="wide">{pages.table(header, rows)}</div>'
    body += f"<h2>To look at by hand</h2><ul>{''.join(problems)}</ul>" if problems else ""
    body += (f"<h2>Stuck</h2><ul>{''.join(stuck)}</ul>" if stuck else "") + top_misconceptions(students)
    return pages.page("Class", body + f"<p><small>Grader {version()}. A frame marks who is stuck.</small></p>")


def mark_cell(entry):
    state = entry.get("state", "missing")
    kind = "full" if state == "full" else "part" if entry.get("marks") else ""
    text = "" if state in ("missing", "not started") else str(entry["marks"])
    note = html.escape("; ".join(filter(None, [state, entry.get("check", ""), entry.get("misconception", "")])), quote=True)
    return f'<td class="mark {kind}{" stuck" if entry.get("stuck") else ""}" title="{note}">{text}</td>'


def share_full(students, name):
    full = sum(row["exercises"].get(name, {}).get("state") == "full" for row in students)
    return f"{100 * full / len(students):.0f}%"


def median(students, name, key):
    values = [entry[key] for row in students if (entry := row["exercises"].get(name)) and entry["attempts"]]
    return f"{statistics.median(values):.0f}" if values else ""


def top_misconceptions(students):
    counts = {}
    for row in students:
        for name, entry in row["exercises"].items():
            if entry["misconception"]:
                counts[name, entry["misconception"]] = counts.get((name, entry["misconception"]), 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    rows = [[html.escape(name), html.escape(misconception), str(count)] for (name, misconception), count in ranked]
    return "<h2>Most frequent misconceptions</h2>" + pages.table(["Exercise", "Misconception", "Students*"], rows) if rows else ""
