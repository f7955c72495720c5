#!/usr/bin/env bash
# Takes the exercises' solutions away from students, and brings them back.
#   scripts/solutions.sh hide FILE.tar.gz       packs notebooks-cpp/exercises/teacher into FILE and removes it
#   scripts/solutions.sh restore FILE.tar.gz    brings it back
set -euo pipefail

stop() {
  printf 'solutions: %s\n' "$*" >&2
  exit 1
}

if [ $# != 2 ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
exercises="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/notebooks-cpp/exercises"
case "$1" in
  hide)
    [ -d "$exercises/teacher" ] || stop "the solutions are not here: nothing to hide"
    [ ! -e "$2" ] || stop "$2 is there already: name another file"
    tar -czf "$2.part" -C "$exercises" teacher 2>/dev/null || { rm -f "$2.part"; stop "$2 cannot be written; the solutions stay"; }
    mv "$2.part" "$2"
    rm -r "$exercises/teacher"
    echo "solutions: packed into $2 and removed"
    ;;
  restore)
    [ ! -e "$exercises/teacher" ] || stop "the solutions are here already: nothing to restore"
    [ -f "$2" ] || stop "no file $2; expected what hide wrote"
    tar -tzf "$2" 2>/dev/null | grep '^teacher/.*/solution.cpp$' >/dev/null || stop "$2 is not what hide wrote"
    tar -xzf "$2" -C "$exercises"
    echo "solutions: back in $exercises/teacher"
    ;;
  *) stop "unknown: $1; expected hide or restore" ;;
esac
