#!/usr/bin/env bash
# scripts/solutions.sh on a copy: hidden, restored the same, and never lost.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/scripts" "$folder/notebooks-cpp"
cp "$root/scripts/solutions.sh" "$folder/scripts"
cp -r "$root/notebooks-cpp/exercises" "$folder/notebooks-cpp"
cd "$folder"
teacher=notebooks-cpp/exercises/teacher

fails() {
  if "$@" >/dev/null 2>"$folder/error"; then echo "should have failed: $*" >&2 && exit 1; fi
  [ "$(wc -l <"$folder/error")" = 1 ] || { echo "not one line: $*" >&2 && exit 1; }
}

fails scripts/solutions.sh hide /no/such/folder/x.tar.gz
diff -r "$root/$teacher" $teacher
scripts/solutions.sh hide kept.tar.gz >/dev/null
[ ! -e $teacher ]
fails scripts/solutions.sh hide other.tar.gz
echo nonsense >wrong.tar.gz
fails scripts/solutions.sh restore wrong.tar.gz
fails scripts/solutions.sh restore missing.tar.gz
scripts/solutions.sh restore kept.tar.gz >/dev/null
diff -r "$root/$teacher" $teacher
fails scripts/solutions.sh restore kept.tar.gz
