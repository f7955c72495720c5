#!/usr/bin/env bash
# Builds lessons and writes them, with what they print, as notebooks beside their sources.
#   scripts/notebook.sh --weave 05       the lesson notebooks-cpp/05_*.cpp becomes notebooks-cpp/05_*.ipynb
#   scripts/notebook.sh --weave all      every lesson
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  printf 'notebook: %s\n' "$*" >&2
  exit 1
}

# The lessons that `05`, `05_topic` or `all` names, a line each.
lessons_of() {
  local pattern="${1%.cpp}" found
  if [ "$pattern" = all ]; then pattern='[0-9]'; fi
  found="$(compgen -G "notebooks-cpp/$pattern*.cpp" || true)"
  if [ -z "$found" ] && [ -f "tests/notebooks/$pattern.cpp" ]; then found="tests/notebooks/$pattern.cpp"; fi
  [ -n "$found" ] || stop "no lesson notebooks-cpp/$pattern*.cpp; expected a number (05), a name (05_topic), or all"
  echo "$found"
}

weave() {
  local lessons lesson targets=()
  lessons="$(lessons_of "$1")"
  for lesson in $lessons; do targets+=("lesson_$(basename "$lesson" .cpp)"); done
  scripts/build.sh "${targets[@]}"
  for lesson in $lessons; do
    echo "notebook: running $lesson"
    python3 notebooks-cpp/kernel/weave.py "$lesson" "build/release/bin/lesson_$(basename "$lesson" .cpp)"
  done
}

case "${1:-}" in
  --weave)
    [ $# = 2 ] || stop "--weave expects one lesson (05) or all"
    weave "$2"
    ;;
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" ;;
  *) stop "unknown option '${1:-}'; see scripts/notebook.sh --help" ;;
esac
