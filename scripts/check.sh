#!/usr/bin/env bash
# What is too slow for every run: the other compiler without warnings, and clang-tidy on changed files.
#   scripts/check.sh [BASE]       changed since BASE (a git revision; default: where this branch left origin's, or HEAD~1)
#   scripts/check.sh --format     only the formatting of all files (clang-format 14)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  printf 'check: %s\n' "$*" >&2
  exit 1
}

check_format() {
  local tool
  # Another version formats otherwise, so it would complain about good files.
  for tool in clang-format-14 clang-format ''; do
    if [ -n "$tool" ] && "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then break; fi
  done
  if [ -z "$tool" ]; then
    echo "check: clang-format 14 is not here; formatting is not checked"
    return
  fi
  # Lessons are no C++ files: an expression at the end of a cell has no semicolon.
  git ls-files -z '*.h' '*.cpp' '*.cu' ':!notebooks-cpp/[0-9]*.cpp' ':!tests/notebooks/[0-9]*.cpp' | xargs -0 -r "$tool" --dry-run -Werror ||
    stop "run '$tool -i' on the files named above"
  echo "check: formatting is right"
}

# -O1, as the preset dev: without optimising, g++ does not see that TORCH_CHECK(false, ...) never returns.
check_other_compiler() {
  local build="build/check-$other"
  command -v "$other" >/dev/null || stop "$other is not here: install it, then call again"
  cmake -S . -B "$build" -G Ninja --log-level=WARNING -DCMAKE_CXX_COMPILER="$other" -DZOO_WERROR=ON \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 >/dev/null
  cmake --build "$build" --parallel "$(getconf _NPROCESSORS_ONLN)"
  echo "check: $other builds without warnings"
}

# Sources changed since the base, committed or not; a changed header counts for the source of its name.
changed_sources() {  # base, build folder
  local file
  { git diff --name-only --diff-filter=d "$1" -- '*.cpp' '*.h' && git ls-files --others --exclude-standard '*.cpp' '*.h'; } |
    while read -r file; do
      file="${file%.h}"
      file="${file%.cpp}.cpp"
      # Only what the build knows has a compile command.
      if [ -f "$file" ] && grep -qF "/$file\"" "$2/compile_commands.json"; then echo "$file"; fi
    done | sort -u
}

# With clang's own build folder: clang-tidy cannot read the precompiled header of g++.
check_tidy() {
  local base="$1" build=build/release files
  if [ "$other" = clang++ ]; then build=build/check-clang++; fi
  command -v clang-tidy >/dev/null || stop "clang-tidy is not here: install it, then call again"
  cmake --preset release --log-level=WARNING >/dev/null
  cmake --build "$build" --target zoo_torch_pch
  files="$(changed_sources "$base" "$build")"
  if [ -z "$files" ]; then
    echo "check: no source changed since $base"
    return
  fi
  echo "check: clang-tidy on $(wc -l <<<"$files") files changed since $base (up to a minute each)"
  xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 clang-tidy -p "$build" --quiet --warnings-as-errors='*' <<<"$files"
  echo "check: clang-tidy has no complaint"
}

check_format
if [ "${1:-}" = --format ]; then exit 0; fi
base="${1:-$(git merge-base HEAD '@{upstream}' 2>/dev/null || true)}"
if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=HEAD~1; fi
git rev-parse --verify --quiet "$base^{commit}" >/dev/null || stop "$base is no revision of this repository"
# The daily build takes clang++ where it is there, unless CXX says otherwise (CMakeLists.txt); the other one is checked.
other=g++
if ! "${CXX:-$(command -v clang++ || echo g++)}" --version | grep -q clang; then other=clang++; fi
scripts/bootstrap.sh
check_other_compiler
check_tidy "$base"
