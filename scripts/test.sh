#!/usr/bin/env bash
# Builds everything and runs the tests; ends with ctest's summary.
#   scripts/test.sh [--interop] [ctest's arguments]       for instance: scripts/test.sh -R tokenizers
# --interop also compares with Python's transformers (scripts/bootstrap.sh --reference installs it first, 5.6 GB).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

arguments=(--preset release --no-tests=error --parallel "$(getconf _NPROCESSORS_ONLN)")
if [ "${1:-}" = --interop ]; then
  shift
  scripts/bootstrap.sh --reference
  # Without the preset, whose filter leaves the label interop out.
  arguments=(--test-dir build/release --output-on-failure "${arguments[@]:2}")
fi
scripts/build.sh
exec ctest "${arguments[@]}" "$@"
