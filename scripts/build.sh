#!/usr/bin/env bash
# Builds the release programs: bootstrap, configure, build. Without arguments everything, tests included.
#   scripts/build.sh [TARGET...]        for instance: scripts/build.sh train_gpt generate
# Environment: ZOO_WERROR=ON makes warnings errors; ZOO_JOBS=N compiles N files at a time; ZOO_CUDA_ARCHITECTURES="80;90"
# compiles the CUDA kernels for these GPUs only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A file with torch headers takes some 1.5 GB to compile: as many at a time as there are cores and memory for.
jobs_that_fit() {
  local cores memory
  cores="$(getconf _NPROCESSORS_ONLN)"
  memory="$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null || true)"
  memory="${memory:-$cores}"
  if [ "$memory" -lt 1 ]; then memory=1; fi
  echo $((memory < cores ? memory : cores))
}

scripts/bootstrap.sh
echo "build: configuring build/release"
cmake --preset release -DZOO_WERROR="${ZOO_WERROR:-OFF}" --log-level=WARNING \
  ${ZOO_CUDA_ARCHITECTURES:+"-DZOO_CUDA_ARCHITECTURES=$ZOO_CUDA_ARCHITECTURES"} >/dev/null
echo "build: building ${*:-everything} (a first build takes minutes)"
cmake --build --preset release --parallel "${ZOO_JOBS:-$(jobs_that_fit)}" ${1:+--target "$@"}
