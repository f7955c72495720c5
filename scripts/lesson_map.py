#!/usr/bin/env python3
"""The map of notebooks-cpp/README.md: which lesson answers which question, and in which cell.

  scripts/lesson_map.py           checks the map; exit code 1 if it is out of date
  scripts/lesson_map.py --write   brings it up to date

A lesson answers question 5 with a text cell that says "Question 5." and a later code cell that makes a claim. The map names
the heading above the mark and the number of that code cell, as a notebook shows it.
"""
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "notebooks-cpp"
sys.path.insert(0, str(FOLDER / "kernel"))
from lesson import LessonError, read_lesson  # noqa: E402
ROW = re.compile(r"^\| (\d+) \| ([^|]*) \| ([^|]*) \|$", re.M)


def answers_in(lesson):
    """{question: (heading, number of the code cell)}; throws ValueError for a mark without a claim."""
    answers, waiting, heading, code = {}, [], "", 0
    for cell in read_lesson(lesson):
        if cell.kind == "markdown":
            for line in cell.source.split("\n"):
                if found := re.match(r"#+ (.*)", line):
                    heading = found.group(1).strip()
                for number in re.findall(r"\bQuestion (\d+)\.", line):
                    waiting.append((int(number), heading))
            continue
        code += 1
        if re.search(r"\bnb::(claim|refute)\(", cell.source):
            for number, above in waiting:
                answers.setdefault(number, (above, code))
            waiting = []
    if waiting:
        raise ValueError(f"{lesson.name}: no claim follows 'Question {waiting[0][0]}.'")
    return answers


def filled(readme, lessons):
    """The text of the README with the third column of every row filled in."""
    found = {}
    for lesson in lessons:
        for number, (heading, cell) in answers_in(lesson).items():
            found.setdefault(number, []).append(f"[{lesson.stem}]({lesson.stem}.ipynb), {heading}, cell [{cell}]")
    numbers = [int(number) for number, _, _ in ROW.findall(readme)]
    if unknown := sorted(set(found) - set(numbers)):
        raise ValueError(f"lessons answer question {unknown[0]}, which the map does not have")
    return ROW.sub(lambda row: f"| {row[1]} | {row[2]} | {'; '.join(found.get(int(row[1]), ['open']))} |", readme)


def main():
    readme = FOLDER / "README.md"
    old = readme.read_text(encoding="utf-8")
    try:
        new = filled(old, sorted(FOLDER.glob("[0-9][0-9]_*.cpp")))
    except (ValueError, LessonError) as error:
        sys.exit(f"lesson_map: {error}")
    if sys.argv[1:] == ["--write"]:
        readme.write_text(new, encoding="utf-8")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    elif new != old:
        sys.exit("lesson_map: notebooks-cpp/README.md is out of date; run scripts/lesson_map.py --write")
    answered = sum(row[2] != "open" for row in ROW.findall(new))
    print(f"{answered} of {len(ROW.findall(new))} questions have a lesson")


if __name__ == "__main__":
    main()
