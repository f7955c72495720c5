#!/usr/bin/env bash
# Opens the lessons in JupyterLab; installs and builds what that needs (a first time: 0.3 GB, and minutes).
#   scripts/notebook.sh [jupyter lab's arguments]   for instance: scripts/notebook.sh --no-browser --port 8890
#   scripts/notebook.sh --setup                     only installs and builds; then VS Code finds the kernel, too
#   scripts/notebook.sh --user                      the same; every Jupyter and VS Code of yours finds the kernel
#   scripts/notebook.sh --weave 05                  runs the lesson notebooks-cpp/05_*.cpp and writes notebooks-cpp/05_*.ipynb
#   scripts/notebook.sh --weave all                 every lesson
# Whoever may not write here, such as a student on a shared machine, gets copies of the lessons in ~/zoo-lessons.
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
  echo "${packages[*]}" >"$venv/complete"
}

configure_jupyter() {
  # VS Code looks for kernels beside the interpreter that one chooses.
  mkdir -p "$venv/share/jupyter/kernels" "$venv/etc/jupyter/labconfig"
  ln -sfn "$PWD/notebooks-cpp/kernel/share/jupyter/kernels/zoo-cpp" "$venv/share/jupyter/kernels/zoo-cpp"
  # No question about news from the network in front of the first lesson.
  echo '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}' >"$venv/etc/jupyter/labconfig/page_config.json"
}

is_writable() { [ -w . ] && { [ ! -e build ] || [ -w build ]; }; }

setup() {
  if ! is_writable; then
    if ! [ -r build/release/notebooks-cpp/kernel/libzoo.so ] || ! [ -r "$venv/complete" ]; then
      stop "$PWD is not set up, and you may not write there: ask its owner to run scripts/notebook.sh --setup"
    fi
    [ -x "$venv/bin/python" ] ||
      stop "you may not run $(readlink -m "$venv/bin/python"): ask the owner of $PWD to set it up with PYTHON=/usr/bin/python3"
    return
  fi
  scripts/build.sh zoo_shared
  install_jupyter
  configure_jupyter
  echo "notebook: precompiling the headers for cells"
  "$venv/bin/python" notebooks-cpp/kernel/kernel.py --prepare
}

# The folder to open: the lessons, or copies where the lessons cannot be changed. What was copied once stays as it is.
lessons_to_open() {
  if is_writable; then
    echo notebooks-cpp
    return
  fi
  mkdir -p "$HOME/zoo-lessons" || stop "cannot make $HOME/zoo-lessons, where your copies of the lessons would be"
  local lesson
  for lesson in notebooks-cpp/[0-9]*.ipynb; do
    if ! [ -e "$HOME/zoo-lessons/${lesson##*/}" ]; then
      cp "$lesson" "$HOME/zoo-lessons/" && chmod u+w "$HOME/zoo-lessons/${lesson##*/}"
    fi
  done
  echo "$HOME/zoo-lessons"
}

open_lab() {
  local folder
  setup
  folder="$(lessons_to_open)"
  # Jupyter shows the pictures of a notebook only after somebody has said that it comes from a good place.
  "$venv/bin/jupyter" trust "$folder"/*.ipynb >/dev/null 2>&1 ||
    echo "notebook: the lessons could not be marked as trusted: their pictures are shown once you run them"
  export JUPYTER_PATH="$PWD/notebooks-cpp/kernel/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}"
  if [ "$(id -u)" = 0 ]; then set -- --allow-root "$@"; fi  # a container: Jupyter asks whether that is meant
  echo "notebook: opening the lessons in $folder; if no browser opens, open the address below; Control-C ends it"
  exec "$venv/bin/jupyter" lab --notebook-dir="$folder" "$@"
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
  --user)
    setup
    kernels="$("$venv/bin/jupyter" --data-dir)/kernels"
    mkdir -p "$kernels"
    ln -sfn "$PWD/notebooks-cpp/kernel/share/jupyter/kernels/zoo-cpp" "$kernels/zoo-cpp"
    echo "notebook: ready; $kernels/zoo-cpp leads here"
    ;;
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" ;;
  *) open_lab "$@" ;;
esac
