#!/usr/bin/env bash
# Grades exercises of notebooks-cpp/exercises.
#   scripts/grade.sh 07              what is right and wrong in exercise 07, and where to think; exit code 0 for full marks
#   scripts/grade.sh 07 --hint       with a longer hint
#   scripts/grade.sh all             a line for each exercise
#   scripts/grade.sh --setup         only builds the grader
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
  --setup) exec scripts/build.sh exercise_grader exercise_runner exercise_shims ;;
  '' | -h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit $(($# == 0 ? 2 : 0))
    ;;
esac
exec python3 notebooks-cpp/exercises/grader/grade.py "$@"
