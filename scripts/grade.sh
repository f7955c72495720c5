#!/usr/bin/env bash
# Grades the exercises of notebooks-cpp/exercises. You write in the folder exercises/, which the first call fills.
#   scripts/grade.sh 07                what is right and wrong in exercise 07, and where to think; exit code 0 for full marks
#   scripts/grade.sh 07 --hint         with a longer hint; --details shows every failing check
#   scripts/grade.sh watch             grades the current exercise whenever you save it, and moves on when it is done
#   scripts/grade.sh all | list        a line for each exercise: graded now | as last graded
#   scripts/grade.sh reset 07          begins exercise 07 again; your file is kept beside it
#   scripts/grade.sh report            your page: exercises/report.html
#   scripts/grade.sh collect FOLDER    a class's table (CSV, JSON, page) from a folder or archive for each student
#   scripts/grade.sh use 10 train_gpt --config train/recipes/gpt-shakespeare-cpu.toml ...
#                                      runs a program of the zoo with your piece in place of its own
#   scripts/grade.sh --setup           only builds the grader; the other calls do not build
# Environment: ZOO_EXERCISES names another folder to write in (so does --work FOLDER).
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

case "${1:-}" in
  --setup)
    cd "$root"
    exec scripts/build.sh exercise_grader exercise_runner exercise_shims
    ;;
  '' | -h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit $(($# == 0 ? 2 : 0))
    ;;
esac
exec python3 "$root/notebooks-cpp/exercises/grader/grade.py" "$@"
