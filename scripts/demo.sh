#!/usr/bin/env bash
# The first command to try: sets up what is missing, teaches a small GPT the plays of Shakespeare, lets it write.
#   scripts/demo.sh [train_gpt's options]        for instance: scripts/demo.sh --max-steps 500
# Trains about two minutes on two cores; every run gets a folder of its own, runs/demo-N.
# Environment: ZOO_HOME names a zoo that others have built (scripts/home.sh).
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/home.sh
source "$root/scripts/home.sh"
cd "$zoo_work"

recipe=train/recipes/gpt-shakespeare-cpu.toml
programs=build/release/bin
prompt='ROMEO:'

say() { printf '\n== %s\n' "$*"; }

"$root/scripts/build.sh" train_gpt generate attention_map
"$root/scripts/get_data.sh" tinyshakespeare

number=1
while [ -e "runs/demo-$number" ]; do number=$((number + 1)); done
run="runs/demo-$number"

say "A GPT learns Shakespeare, character by character ($recipe -> $run)"
# A run that Ctrl-C stopped exits with 130, after it has said how to go on: the demo ends there, too.
"$programs/train_gpt" --config "$recipe" --out "$run" "$@"
[ -e "$run/config.json" ] || exit 0 # --help, --evaluate-only: nothing was trained

say "What it writes now, begun with '$prompt'"
"$programs/generate" --model "$run" "$prompt" --max-new-tokens 400 --temperature 0.8

say "What its attention heads look at"
"$programs/attention_map" --model "$run" --text "$prompt What light is this?" --out "$run/attention" >/dev/null

say "To look at"
printf '  %-17s %s\n' 'the training' "$run/report.html" 'all its heads' "$run/attention/attention.html" \
  'one head' "$run/attention/heads/layer-1-head-0.png"
