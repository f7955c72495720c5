#!/usr/bin/env python3
"""scripts/grade.sh: grades exercises and shows what is right, what is wrong and where to think."""

import argparse
import json
import pathlib
import sys

from compile import CompileFailure
from grading import Grader, GraderMissing, about
from skeleton import all_names, student_file

BAR = 20
SIGNS = {"pass": "✓", "fail": "✗", "timeout": "✗", "crash": "✗", "not started": "·", "not reached": "·"}


def find(word):
    """The names that `word` means: 07, 07_rotary, all."""
    names = all_names()
    found = names if word == "all" else [name for name in names if name == word or name[:2] == word.zfill(2)]
    if not found:
        raise SystemExit(f"grade: no exercise '{word}'; expected a number from {names[0][:2]} to {names[-1][:2]}, or all")
    return found


def bar(result):
    full = round(BAR * result["marks"] / result["of"])
    return f"[{'#' * full}{'.' * (BAR - full)}] {result['marks']}/{result['of']}"


def line(result):
    return f"{result['exercise']:28} {bar(result)}  {result['state'] if result['state'] != 'partial' else ''}".rstrip()


def show(result, hint_level, details):
    print(f"{result['exercise'][:2]} {result['title']}  {bar(result)}")
    if result["message"]:
        print(f"  {result['message']}")
        if result["detail"]:
            print(f"  {result['detail']}")
    failed = [check for check in result["checks"] if check["state"] not in ("pass", "not started", "not reached")]
    for check in result["checks"]:
        print(f"  {SIGNS[check['state']]} {check['part']} {check['title']}  {check['marks']}/{check['of']}"
              + (f"  {check['state']}" if check["state"].startswith("not") else ""))  # fmt: skip
    for check in failed if details else failed[:1]:
        show_failure(check)
    for hint in result["hints"][:1]:
        print(f"  Think: {hint[0]}")
        if hint_level > 1 and hint[1]:
            print("  " + hint[1].replace("\n", "\n  "))
        elif hint[1]:
            print(f"  More: scripts/grade.sh {result['exercise'][:2]} --hint")
    if result["printed"] and (details or failed):
        print("  Your code printed: " + result["printed"][:500].strip().replace("\n", "\n    "))


def show_failure(check):
    print(f"  {check['title']}, {check['probe']}: {check['message']}")
    if check["expected"]:
        place = f" in {check['where']}" if check["where"] else ""
        print(f"    expected{place}: {check['expected']}\n    got:      {' ' * len(place)}{check['got']}")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/grade.sh", description=__doc__.split(": ", 1)[1])
    parser.add_argument("what", help="an exercise (07), or all")
    parser.add_argument("--hint", action="store_true", help="a second, longer hint")
    parser.add_argument("--details", action="store_true", help="every failing check, not only the first")
    parser.add_argument("--file", type=pathlib.Path, help="grade this file instead of the exercise's own")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    names = find(options.what)
    try:
        grader = Grader()
        results = [grader.grade(name, options.file or student_file(name)) for name in names]
    except (GraderMissing, CompileFailure) as error:
        sys.exit(f"grade: {error}")
    if options.json:
        print(json.dumps(results if len(names) > 1 else results[0], indent=1, ensure_ascii=False))
    elif len(names) == 1:
        show(results[0], 2 if options.hint else 1, options.details)
    else:
        for result in results:
            print(line(result))
    return 0 if all(result["state"] == "full" for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
