"""The hints of an exercise: hints.md holds a section for each misconception, its first paragraph level 1, the rest level 2."""

import pathlib
import re

GRADER = pathlib.Path(__file__).resolve().parent


def read(path):
    """{misconception: (level 1, level 2)}"""
    found = {}
    for section in re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))[1:]:
        name, _, body = section.partition("\n")
        first, _, rest = body.strip().partition("\n\n")
        found[name.strip()] = (" ".join(first.split()), rest.strip())
    return found


def find(exercise_folder, misconception, facts):
    """(level 1, level 2) with {got} and the like filled in; None where there is no such hint."""
    hints = {**read(GRADER / "hints.md"), **read(exercise_folder / "hints.md")}
    if misconception not in hints:
        return None
    return tuple(re.sub(r"\{(\w+)\}", lambda word: facts.get(word[1]) or "something else", text) for text in hints[misconception])
