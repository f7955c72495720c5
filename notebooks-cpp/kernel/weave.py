#!/usr/bin/env python3
"""A lesson and what its program prints, as an executed notebook beside the lesson.

    weave.py NN_topic.cpp PROGRAM          runs the program (made by tangle.py) and writes NN_topic.ipynb
    weave.py --check NN_topic.cpp...       the notebooks hold the same text and code; exit code 1 if one does not

Equal outputs give equal bytes: the program runs with one thread, and nothing of the notebook depends on the time.
"""

import json
import os
import pathlib
import subprocess
import sys

from lesson import LessonError, as_lines, read_lesson, read_notebook, to_notebook

LARGEST = 1_500_000  # bytes: what a browser still opens at once
ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAME, SEPARATOR = "\x1e", "\x1f"  # notebooks-cpp/nb/output.cpp
HOW = "scripts/notebook.sh --weave"


def weave(lesson, program):
    cells = read_lesson(lesson)
    add_outputs(cells, output_of(program))
    text = to_notebook(cells)
    if len(text.encode()) > LARGEST:
        raise LessonError(f"{lesson.name}: the notebook has {len(text.encode())} bytes, at most {LARGEST} are allowed: "
                          "show fewer or smaller pictures")  # fmt: skip
    lesson.with_suffix(".ipynb").write_text(text, encoding="utf-8")


def output_of(program):
    environment = {**os.environ, "NB_WEAVE": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run([program.resolve()], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise LessonError(f"{program}: cannot run it ({error.strerror}): build the lesson first, or run {HOW}") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        failed = [line for line in output.split("\n") if line.startswith("[FAILS]")]
        reason = failed or done.stderr.decode(errors="replace").strip().split("\n")[-1:]
        raise LessonError(f"{program.name} ended with exit code {done.returncode}; the notebook stays as it was: "
                          + "; ".join(reason))  # fmt: skip
    return output


def add_outputs(cells, output):
    """Gives each cell what stands between its frame and the next one's. Cell 0 is behind the last."""
    code, current = [cell for cell in cells if cell.kind == "code"], None
    for n, part in enumerate(output.split(FRAME)):
        if n % 2 == 0:
            add_text(current, part)
            continue
        kind, _, content = part.partition(SEPARATOR)
        if kind == "cell":
            current = code[int(content) - 1] if content != "0" else None
        elif kind == "display" and current is not None:
            data = {mime: text if mime == "image/png" else as_lines(text) for mime, text in json.loads(content).items()}
            current.outputs.append({"output_type": "display_data", "data": data, "metadata": {}})


def add_text(cell, text):
    if cell is None or not text:
        return
    last = cell.outputs[-1] if cell.outputs else {}
    if last.get("output_type") == "stream":
        text = "".join(last["text"]) + text
        cell.outputs.pop()
    cell.outputs.append({"output_type": "stream", "name": "stdout", "text": as_lines(text)})


def check(lesson):
    """Raises LessonError at the first cell that is not the same in the lesson and in its notebook."""
    notebook = lesson.with_suffix(".ipynb")
    if not notebook.exists():
        raise LessonError(f"{notebook.name} is missing: run {HOW} {lesson.stem}")
    wanted, found = read_lesson(lesson), read_notebook(notebook)
    for n in range(max(len(wanted), len(found))):
        if n >= len(wanted) or n >= len(found) or (wanted[n].kind, wanted[n].source) != (found[n].kind, found[n].source):
            line = f":{wanted[n].line}" if n < len(wanted) else ""
            raise LessonError(f"{lesson.name}{line}: cell {n + 1} is not the one in {notebook.name}: run {HOW} {lesson.stem}")
    if notebook.stat().st_size > LARGEST:
        raise LessonError(f"{notebook.name} has {notebook.stat().st_size} bytes, at most {LARGEST} are allowed")
    if not any(cell.outputs for cell in found):
        raise LessonError(f"{notebook.name} has no outputs: run {HOW} {lesson.stem}")


def main(arguments):
    checks = arguments[:1] == ["--check"]
    paths = [pathlib.Path(argument) for argument in arguments[checks:]]
    if not paths or not checks and len(paths) != 2:
        print("usage: weave.py NN_topic.cpp PROGRAM, or weave.py --check NN_topic.cpp...", file=sys.stderr)
        return 2
    failed = False
    for work in [lambda path=path: check(path) for path in paths] if checks else [lambda: weave(*paths)]:
        try:
            work()
        except LessonError as error:
            print(f"weave: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
