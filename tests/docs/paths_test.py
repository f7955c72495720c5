#!/usr/bin/env python3
"""Every file that a Markdown page of the repository links to or names in backquotes is there.

    tests/docs/paths_test.py
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:h|cpp|cu|py|sh|cmake|md)")
# What a run or a checkpoint of others holds, not this repository.
ELSEWHERE = re.compile(r"(?:https?:|#|/|~|data/|runs/|build/)")
# What instructions for new parts would have you add.
INVENTED = re.compile(r"(^|/)x_|NN_|strided|alibi|t5|unlikelihood|mirostat|superword|summar")
INSTRUCTIONS = {"CONTRIBUTING.md", "models/pretrained/README.md"}


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        sys.exit(77)  # no checkout: nothing to compare with
    return listed.stdout.split("\n")[:-1]


def names_in(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for match in re.finditer(r"\]\(([^)\s#]+)[^)]*\)", text):
        yield match.group(1), True
    for match in re.finditer(r"`([^`\s]+)`", text):
        if SOURCE.fullmatch(match.group(1)):
            yield match.group(1), False


def missing(page, files):
    folder = pathlib.PurePosixPath(page).parent
    for name, is_link in names_in((ROOT / page).read_text(encoding="utf-8")):
        if ELSEWHERE.match(name) or (page in INSTRUCTIONS and INVENTED.search(name)):
            continue
        name = name.removeprefix("zoo/")  # as those who come from outside include it
        near = (ROOT / folder / name).resolve()
        if near.exists():
            continue
        if not is_link and (name in files or any(f.endswith(f"/{name}") for f in files if "/" not in name or f.startswith(f"{folder}/"))):
            continue
        yield name


def main():
    files = set(tracked_files())
    lines = [
        f"{page}: {name} is not there"
        for page in sorted(f for f in files if f.endswith(".md"))
        for name in missing(page, files)
    ]
    print("\n".join(lines) or "every file that the pages name is there")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
