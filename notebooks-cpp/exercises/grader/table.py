#!/usr/bin/env python3
"""The table of exercises in README.md, from each exercise.json: table.py --write makes it, table.py tells whether it is right."""

import sys

from grading import about
from skeleton import EXERCISES, all_names

BEGIN, END = "<!-- exercises: begin -->\n\n", "\n<!-- exercises: end -->\n"


def table():
    lines = ["| # | exercise | minutes | difficulty | needs | lesson | paper |", "|---|---|---|---|---|---|---|"]
    for name in all_names():
        facts = about(name)
        needs = ", ".join(f"{number:02}" if isinstance(number, int) else number[:2] for number in facts["needs"])
        lines.append(f"| {name[:2]} | [{facts['title']}]({name}/README.md) | {facts['minutes']} | {'*' * facts['difficulty']} | {needs} "
                     f"| [{facts['lesson'][:2]}](../{facts['lesson']}.ipynb) | {facts['paper']} |")  # fmt: skip
    return "\n".join(lines).replace("*", "★") + "\n"


def main():
    path = EXERCISES / "README.md"
    text = path.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    made = head + BEGIN + table() + END + rest.split(END)[1]
    if "--write" in sys.argv:
        path.write_text(made, encoding="utf-8")
    elif made != text:
        sys.exit("table: README.md's table differs from the exercises: write it with grader/table.py --write")


if __name__ == "__main__":
    main()
