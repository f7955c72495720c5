#!/usr/bin/env python3
"""What each cell of a lesson takes in the kernel:  tests/notebooks/cell_times.py notebooks-cpp/02_self_attention.cpp

Needs scripts/notebook.sh --setup. Processor time is that of the compiler and the kernel; an empty ZOO_NOTEBOOK_CACHE
shows a first run, a second call one with everything compiled.
"""

import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "notebooks-cpp" / "kernel"))
from lesson import LessonError, read_lesson
from session import Session
from toolchain import CellError


def processor_time():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime + time.process_time()


def timed(name, work):
    wall, processor = time.monotonic(), processor_time()
    work()
    print(f"{name:8} {time.monotonic() - wall:6.2f} s, of the processor {processor_time() - processor:6.2f} s", flush=True)


def main(arguments):
    if len(arguments) != 1:
        print("usage: cell_times.py LESSON.cpp", file=sys.stderr)
        return 2
    session = Session(lambda name, text: None, lambda bundle: None)
    try:
        cells = [cell.source for cell in read_lesson(arguments[0]) if cell.kind == "code"]
        timed("prepare", session.prepare)
        for n, source in enumerate(cells):
            timed(f"cell {n + 1}", lambda source=source: session.run(source))
    except (CellError, LessonError) as error:
        print(f"cell_times: {error}", file=sys.stderr)
        return 1
    finally:
        session.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
