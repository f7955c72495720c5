#!/usr/bin/env python3
"""A lesson as one plain C++ program:  notebooks-cpp/kernel/tangle.py NN_topic.cpp PROGRAM.cpp

What belongs to namespace scope comes first, in the lesson's order; the statements become main(), where each cell is a block
inside the one before, as in the notebook: it sees what came before, and may use a name anew. Compilers report errors at the
lesson's file and line.
"""

import pathlib
import sys

from cpp_source import split
from lesson import LessonError, read_lesson

GENERATED = '#line 1 "(made by tangle.py)"\n'
HEAD = GENERATED + '#include "notebooks-cpp/kernel/cell.h"\n'
MAIN = "int main() {\n  return nb::run_lesson([]() -> int {\n"


def tangle(cells, name):
    """The program's text; `name` is what errors call the lesson."""
    outside, inside, number = [HEAD], [], 0
    for cell in cells:
        if cell.kind != "code":
            continue
        number += 1
        inside.append(f"{GENERATED}nb::begin_cell({number}); {{\n")
        for piece in split(cell.source):
            text = placed(piece, name, cell.line)
            if piece.at_namespace_scope:
                outside.append(text)
            else:
                inside.append(shown(text) if piece.kind == "expression" else text)
    tail = GENERATED + "}" * number + "\nnb::begin_cell(0);\nreturn nb::finish();\n  });\n}\n"
    return "".join(outside) + GENERATED + MAIN + "".join(inside) + tail


def placed(piece, name, first_line):
    """The piece where it stands in `name`, for the compiler's messages."""
    return f'#line {first_line + piece.line - 1} "{name}"\n{" " * piece.column}{piece.text}\n'


def shown(expression):
    """Shows a value of any type, void too."""
    return f"{GENERATED}static_cast<void>((\n{expression}{GENERATED}, nb::Shown{{}}));\n"


def main(arguments):
    if len(arguments) != 2:
        print("usage: tangle.py NN_topic.cpp PROGRAM.cpp", file=sys.stderr)
        return 2
    lesson, program = (pathlib.Path(argument) for argument in arguments)
    try:
        text = tangle(read_lesson(lesson), f"{lesson.resolve().parent.name}/{lesson.name}")
    except LessonError as error:
        print(f"tangle: {error}", file=sys.stderr)
        return 1
    program.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
