#!/usr/bin/env python3
"""scripts/grade.sh: grades exercises, and shows what is right, what is wrong and where to think."""

import argparse
import json
import pathlib
import sys

import class_report
import student_report
import use
from compile import CompileFailure
from grading import Grader, GraderMissing, about
from show import line, show
from skeleton import all_names
from work import Work, is_untouched

COMMANDS = ("watch", "list", "reset", "report", "collect", "use")


def wrong_use(message):
    print(f"grade: {message}", file=sys.stderr)
    raise SystemExit(2)


def find(word):
    """The names that `word` means: 07, 07_rotary, all."""
    names = all_names()
    found = names if word == "all" else [name for name in names if name == word or name[:2] == word.zfill(2)]
    if not found:
        wrong_use(f"no exercise '{word}'; expected a number from {names[0][:2]} to {names[-1][:2]}, all, or one of "
                  f"{', '.join(COMMANDS)}")  # fmt: skip
    return found


def find_one(word):
    if word is None or word == "all":
        wrong_use("name one exercise, for instance 07")
    return find(word)[0]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/grade.sh", description=__doc__.split(": ", 1)[1], allow_abbrev=False)
    parser.add_argument("what", help=f"an exercise (07), all, or {', '.join(COMMANDS)}")
    parser.add_argument("argument", nargs="?", help="watch, reset: an exercise; collect: a folder with a folder or zip for each student")
    parser.add_argument("--hint", action="store_true", help="a second, longer hint")
    parser.add_argument("--details", action="store_true", help="every failing check, not only the first")
    parser.add_argument("--file", type=pathlib.Path, help="grade this file instead of the one in the work folder")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument("--work", help="the folder with your files (default: ZOO_EXERCISES, else ./exercises)")
    parser.add_argument("--out", type=pathlib.Path, help="report, collect: the page to write, or the folder for the tables")
    return parser.parse_args(arguments)


# What each command takes besides --work; a number of an exercise stands for itself.
TAKES = {
    "watch": {"argument"},
    "list": set(),
    "reset": {"argument"},
    "report": {"out"},
    "collect": {"argument", "out"},
    "all": {"json"},
}


def refuse_unused(options):
    """An option that would change nothing is a mistake of the caller's."""
    takes = TAKES.get(options.what, {"hint", "details", "file", "json"})
    for name in ("argument", "hint", "details", "file", "json", "out"):
        if getattr(options, name) and name not in takes:
            given = f"'{options.argument}'" if name == "argument" else f"--{name}"
            wrong_use(f"{given} has no meaning with {options.what}: leave it out")


def grade_one(options, grader, name):
    if options.file:
        return grader.grade(name, options.file)
    work = Work(options.work)
    result = grader.grade(name, work.file(name))
    work.record(name, result, 2 if options.hint else 1)
    return result


def grade_all(grader, work):
    """Files that nobody has touched are not compiled."""
    for name in all_names():
        if is_untouched(name, work.file(name)):
            yield {"exercise": name, "title": about(name)["title"], "state": "not started", "marks": 0, "of": 10}
        else:
            result = grader.grade(name, work.file(name))
            work.record(name, result, 1)
            yield result


def list_exercises(work):
    for name in all_names():
        entry, facts = work.entry(name), about(name)
        print(f"{name:30} {entry.get('marks', 0):2}/10  {facts['minutes']:3} min  {'*' * facts['difficulty']:5}  {facts['title']}")
    return 0


def run(options):
    refuse_unused(options)
    if options.what == "collect":
        return class_report.collect(options.argument, options.out)
    if options.what not in TAKES:
        return show_one(options, find(options.what)[0])
    work = Work(options.work)
    if options.what == "list":
        return list_exercises(work)
    if options.what == "reset":
        kept = work.reset(find_one(options.argument))
        print(f"grade: reset{f'; your file is kept as {kept.name}' if kept else ''}")
        return 0
    if options.what == "watch":
        from watch import watch

        command = [sys.executable, __file__, "--work", str(work.folder)]
        watch(work, command, find_one(options.argument) if options.argument else None)
        return 0
    if options.what == "report":
        return student_report.write(work, options.out or work.folder / "report.html")
    return show_all(options, work)


def show_one(options, name):
    result = grade_one(options, Grader(), name)
    if options.json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        show(result, 2 if options.hint else 1, options.details)
    return 0 if result["state"] == "full" else 1


def show_all(options, work):
    results = []
    for result in grade_all(Grader(), work):
        results.append(result)
        if not options.json:
            print(line(result), flush=True)
    if options.json:
        print(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        print(f"{sum(result['marks'] for result in results)} of {sum(result['of'] for result in results)} marks")
    return 0 if all(result["state"] == "full" for result in results) else 1


def main():
    try:
        if sys.argv[1:2] == ["use"]:
            return use.run(sys.argv[2:])
        return run(parse(sys.argv[1:]))
    except (GraderMissing, CompileFailure) as error:
        sys.exit(f"grade: {error}")
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        sys.exit("grade: stopped")


if __name__ == "__main__":
    sys.exit(main())
