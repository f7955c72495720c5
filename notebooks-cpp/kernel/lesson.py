"""Lessons as files: the percent format (NN_topic.cpp) and notebooks (NN_topic.ipynb, nbformat 4.5).

A lesson's cells begin at lines `// %%` (code) or `// %% [markdown]` (text, each line behind `// `). What stands before the
first of them, comments only, is no part of the notebook.
"""

import json
import pathlib
import re
from dataclasses import dataclass, field

KERNEL = {"name": "zoo-cpp", "display_name": "C++20 (Transformer Zoo)", "language": "c++"}
LANGUAGE = {"name": "c++", "version": "20", "file_extension": ".cpp", "mimetype": "text/x-c++src",
            "codemirror_mode": "text/x-c++src", "pygments_lexer": "c++"}
MARKER = re.compile(r"//\s*%%(.*)")


class LessonError(Exception):
    """Something that the author of a lesson can put right; the message is one line."""


@dataclass
class Cell:
    kind: str  # "code" or "markdown"
    source: str
    line: int = 1  # of the lesson file, where the source begins
    outputs: list = field(default_factory=list)


def read_lesson(path):
    path = pathlib.Path(path)
    try:
        return parse_lesson(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise LessonError(f"{path}: there is no such lesson") from None
    except UnicodeDecodeError:
        raise LessonError(f"{path}: expected a text in UTF-8") from None


def parse_lesson(text, name):
    cells, lines = [], text.split("\n")
    starts = [n for n, line in enumerate(lines) if MARKER.match(line)]
    if not starts:
        raise LessonError(f"{name}: a lesson has cells; expected lines '// %%' and '// %% [markdown]'")
    for n, line in enumerate(lines[: starts[0]]):
        if line.strip() and not line.startswith("//"):
            raise LessonError(f"{name}:{n + 1}: expected a comment or '// %%' before the first cell, found '{line}'")
    for start, end in zip(starts, starts[1:] + [len(lines)]):
        kind = kind_of(MARKER.match(lines[start])[1].strip(), f"{name}:{start + 1}")
        first, last = start + 1, end
        while first < last and not lines[first].strip():
            first += 1
        while first < last and not lines[last - 1].strip():
            last -= 1
        body = lines[first:last]
        if kind == "markdown":
            body = [uncommented(line, f"{name}:{first + n + 1}") for n, line in enumerate(body)]
        cells.append(Cell(kind, "\n".join(body), first + 1))
    return cells


def kind_of(words, where):
    if words not in ("", "[markdown]"):
        raise LessonError(f"{where}: a cell begins with '// %%' or '// %% [markdown]', found '// %% {words}'")
    return "markdown" if words else "code"


def uncommented(line, where):
    if not re.match(r"//( |$)", line):
        raise LessonError(f"{where}: a line of a text cell begins with '// ', found '{line}'")
    return line[3:].rstrip()


def to_notebook(cells):
    """The notebook's JSON. Equal cells give equal bytes: ids count the cells, nothing tells the time."""
    out, number = [], 0
    for n, cell in enumerate(cells):
        entry = {"cell_type": cell.kind, "id": f"cell-{n + 1:03}", "metadata": {}, "source": as_lines(cell.source)}
        if cell.kind == "code":
            number += 1
            entry.update(execution_count=number, outputs=cell.outputs)
        out.append(entry)
    notebook = {"cells": out, "metadata": {"kernelspec": KERNEL, "language_info": LANGUAGE}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read_notebook(path):
    """The cells of a notebook; LessonError if it is none."""
    try:
        notebook = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        return [Cell(cell["cell_type"], "".join(cell["source"]), outputs=cell.get("outputs", [])) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise LessonError(f"{path}: expected a notebook, found {error}") from None


def as_lines(text):
    return text.splitlines(keepends=True)
