#!/usr/bin/env bash
# Builds the release programs: bootstrap, configure, build. Without arguments everything, tests included.
#   scripts/build.sh [TARGET...]        for instance: scripts/build.sh train_gpt generate
#   scripts/build.sh --own [TARGET...]  in a clone with ZOO_HOME: a build of this clone, with the LibTorch of ZOO_HOME
# Environment: ZOO_HOME names a zoo that others have built: its programs are linked, nothing is built (scripts/home.sh);
# ZOO_WERROR=ON makes warnings errors; ZOO_JOBS=N compiles N files at a time; ZOO_CUDA_ARCHITECTURES="80;90" compiles the
# CUDA kernels for these GPUs only.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/home.sh
source "$root/scripts/home.sh"

stop() {
  printf 'build: %s\n' "$*" >&2
  exit 1
}

# A file with torch headers takes some 1.5 GB to compile: as many at a time as there are cores and memory for.
jobs_that_fit() {
  local cores memory
  cores="$(getconf _NPROCESSORS_ONLN)"
  memory="$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null || true)"
  memory="${memory:-$cores}"
  if [ "$memory" -lt 1 ]; then memory=1; fi
  echo $((memory < cores ? memory : cores))
}

# Programs that others have built: linked, not built.
use_shared() {
  local target programs="$zoo_home/build/release/bin"
  [ -d "$programs" ] || stop "$zoo_home has no programs, and may only be read: have scripts/build.sh called there"
  for target in "$@"; do
    [ -e "$programs/$target" ] ||
      stop "$programs has no $target: have 'scripts/build.sh $target' called there, or build a clone of your own with --own"
  done
  echo "build: the programs of $zoo_home are in build/release/bin"
}

own=no
if [ "${1:-}" = --own ]; then
  [ -w "$root" ] || stop "$root may only be read: clone it, and call scripts/build.sh --own in the clone"
  own=yes
  shift
  if [ -L "$root/build/release" ]; then rm "$root/build/release"; fi
  mkdir -p "$root/build/release" # before link_shared sees that there is none
fi
link_shared
if [ "$own" = no ] && { ! [ -w "$root" ] || [ -L "$root/build/release" ]; }; then
  use_shared "$@"
  exit 0
fi
cd "$root"
scripts/bootstrap.sh
echo "build: configuring build/release"
cmake --preset release -DZOO_WERROR="${ZOO_WERROR:-OFF}" --log-level=WARNING \
  ${ZOO_CUDA_ARCHITECTURES:+"-DZOO_CUDA_ARCHITECTURES=$ZOO_CUDA_ARCHITECTURES"} >/dev/null
echo "build: building ${*:-everything} (a first build takes minutes)"
cmake --build --preset release --parallel "${ZOO_JOBS:-$(jobs_that_fit)}" ${1:+--target "$@"}
