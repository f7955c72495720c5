#!/usr/bin/env bash
# Renders the lessons, the pages of the repository and its results into a static site that works from the file system.
#   scripts/site.sh                      build/site/index.html; the first time it installs five Python packages into .venv-site
#   scripts/site.sh --out FOLDER         another folder
#   scripts/site.sh --repository URL     links to source files lead to URL; without it they are text
# Environment: PYTHON names an interpreter.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv-site"
wanted="$root/docs/site/requirements.txt"

stop() {
  printf 'site: %s\n' "$*" >&2
  exit 1
}

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
  exit 0
fi
# The copy is written last, so an install that was cut off starts anew.
if ! cmp -s "$wanted" "$venv/installed.txt"; then
  echo "site: installing what docs/site/requirements.txt lists into .venv-site" >&2
  "${PYTHON:-python3}" -m venv --clear "$venv" >&2 || stop "cannot make .venv-site; apt-get install python3-venv, or set PYTHON"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$wanted" ||
    stop "cannot install the packages of docs/site/requirements.txt (the reason is above); run scripts/site.sh again"
  cp "$wanted" "$venv/installed.txt"
fi
# A relative --out is relative to where you are.
if [[ " $* " != *' --out'* ]]; then set -- --out "$root/build/site" "$@"; fi
exec "$venv/bin/python" "$root/docs/site/build.py" "$@"
