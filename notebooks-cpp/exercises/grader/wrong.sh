#!/usr/bin/env bash
# Keeps a wrong answer: the difference between exercise NN's solution and FILE, as teacher/NN_name/wrong/NAME.patch.
#   wrong.sh NN NAME FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../teacher"
[ $# = 3 ] || { sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
teacher="$(compgen -G "$1*")" || { echo "wrong: no exercise $1" >&2; exit 1; }
mkdir -p "$teacher/wrong"
diff -U1 --label solution.cpp --label solution.cpp "$teacher/solution.cpp" "$3" >"$teacher/wrong/$2.patch" || [ $? = 1 ]
