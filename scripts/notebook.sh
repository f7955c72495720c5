#!/usr/bin/env bash
# Opens the lessons in JupyterLab; installs and builds what that needs (a first time: 0.3 GB, and minutes).
#   scripts/notebook.sh [jupyter lab's arguments]   for instance: scripts/notebook.sh --no-browser --port 8890
#   scripts/notebook.sh --setup                     only installs and builds; then VS Code finds the kernel, too
#   scripts/notebook.sh --weave 05                  runs the lesson notebooks-cpp/05_*.cpp and writes notebooks-cpp/05_*.ipynb
#   scripts/notebook.sh --weave all                 every lesson
# Environment: PYTHON names an interpreter; ZOO_NOTEBOOK_CXX the compiler of the cells (default: clang++, else g++).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python="${PYTHON:-python3}"
venv=.venv-notebook
packages=(ipykernel==7.4.0 nbclient==0.11.0 jupyterlab==4.6.6 jupytext==1.19.6)

stop() {
  printf 'notebook: %s\n' "$*" >&2
  exit 1
}

# ---- Lessons as notebooks -------------------------------------------------------------------------------------------
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

# ---- The kernel -----------------------------------------------------------------------------------------------------
# The mark is written last: an install that was cut off is begun again.
install_jupyter() {
  if [ "$(cat "$venv/complete" 2>/dev/null)" = "${packages[*]}" ]; then return; fi
  echo "notebook: installing into $venv (0.3 GB): ${packages[*]}"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "$python cannot make a virtual environment: install python3-venv, or name another interpreter with PYTHON=..."
  "$python" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet "${packages[@]}" ||
    stop "pip could not install into $venv (its message is above): check network and free space, then call again"
  # VS Code looks for kernels beside the interpreter that one chooses.
  mkdir -p "$venv/share/jupyter/kernels"
  ln -sfn "$PWD/notebooks-cpp/kernel/share/jupyter/kernels/zoo-cpp" "$venv/share/jupyter/kernels/zoo-cpp"
  echo "${packages[*]}" >"$venv/complete"
}

setup() {
  scripts/build.sh zoo_shared
  install_jupyter
  echo "notebook: precompiling the headers for cells"
  "$venv/bin/python" notebooks-cpp/kernel/kernel.py --prepare
}

case "${1:-}" in
  --weave)
    [ $# = 2 ] || stop "--weave expects one lesson (05) or all"
    weave "$2"
    ;;
  --setup)
    setup
    echo "notebook: ready; in VS Code choose the interpreter $PWD/$venv/bin/python"
    ;;
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" ;;
  *)
    setup
    export JUPYTER_PATH="$PWD/notebooks-cpp/kernel/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}"
    if [ "$(id -u)" = 0 ]; then set -- --allow-root "$@"; fi  # a container: Jupyter asks whether that is meant
    exec "$venv/bin/jupyter" lab --notebook-dir=notebooks-cpp "$@"
    ;;
esac
