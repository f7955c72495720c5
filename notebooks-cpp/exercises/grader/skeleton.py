#!/usr/bin/env python3
"""Makes an exercise's file from its solution: what stands between the marks becomes a TODO.

    // BEGIN SOLUTION 07.2 (4)   ...   // END SOLUTION

    skeleton.py [--check] [NN ...]    writes the files of all exercises, or of these; --check: tells those that differ
"""

import pathlib
import re
import sys

EXERCISES = pathlib.Path(__file__).resolve().parents[1]
BEGIN = re.compile(r"( *)// BEGIN SOLUTION (\d\d\.\d+) \((\d+)\)")


def skeleton(solution):
    """ValueError for a mark without its other half."""
    out, part = [], None
    for number, line in enumerate(solution.splitlines(), 1):
        begin = BEGIN.fullmatch(line)
        if begin:
            if part:
                raise ValueError(f"line {number}: part {begin[2]} begins inside part {part}")
            indent, part, marks = begin.groups()
            word = "mark" if marks == "1" else "marks"
            out += [f"{indent}// TODO {part} ({marks} {word})", f'{indent}throw NotDone("{part}");']
        elif line.strip() == "// END SOLUTION":
            if not part:
                raise ValueError(f"line {number}: END SOLUTION without its BEGIN")
            part = None
        elif "SOLUTION" in line:
            raise ValueError(f"line {number}: expected '// BEGIN SOLUTION NN.N (marks)' or '// END SOLUTION'")
        elif not part:
            out.append(line)
    if part:
        raise ValueError(f"part {part} has no END SOLUTION")
    return "\n".join(out) + "\n"


def student_file(name):
    """Exercise 01_masked_softmax is written in masked_softmax.cpp."""
    return EXERCISES / name / f"{name[3:]}.cpp"


def all_names():
    return sorted(path.parent.name for path in EXERCISES.glob("[0-9][0-9]_*/exercise.json"))


def main():
    check = "--check" in sys.argv
    chosen = [word for word in sys.argv[1:] if word != "--check"]
    stale = []
    for name in all_names():
        if chosen and not any(name.startswith(word) for word in chosen):
            continue
        solution = EXERCISES / "teacher" / name / "solution.cpp"
        try:
            made = skeleton(solution.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            sys.exit(f"skeleton: {name}: {error}")
        path = student_file(name)
        if check and (not path.exists() or path.read_text(encoding="utf-8") != made):
            stale.append(str(path.relative_to(EXERCISES)))
        elif not check:
            path.write_text(made, encoding="utf-8")
    if stale:
        sys.exit(f"skeleton: {', '.join(stale)} differ from their solutions; write them with skeleton.py")


if __name__ == "__main__":
    main()
