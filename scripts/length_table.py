#!/usr/bin/env python3
"""Perplexity of small GPTs on texts longer than those of their training: the table of RESULTS.md.

  scripts/get_data.sh tinyshakespeare
  scripts/length_table.py                    trains each scheme of positions on 128 characters, then measures
  scripts/length_table.py --runs DIR         where the runs are, or are to be (default: runs/length)
  scripts/length_table.py --seed N           of the training (default 1337); another seed needs another DIR
  scripts/length_table.py --threads N        of each program (default 1)

The text's last tenth is read in windows that do not overlap, 1, 2, 4 and 8 times as long as those of training, and every
character counts (Press et al. 2021 call this nonoverlapping evaluation). Longer windows also mean that fewer characters have a
short past: a model that makes nothing of a longer past keeps its perplexity or loses a little.

The last rows are the rotary run after 100 more updates on texts of 512, with a scaling of its positions and without one (Chen
et al. 2023, arXiv:2306.15595, section 3.2: position interpolation is meant to be trained on).
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRAIN = ROOT / "build" / "release" / "bin" / "train_gpt"
TRAINED = 128
LENGTHS = [TRAINED * times for times in (1, 2, 4, 8)]
SCHEMES = ["learned", "sinusoidal", "none", "t5", "alibi", "transformer-xl", "rotary"]
REMEMBER = ["transformer-xl", "rotary"]  # also trained with a segment memory as long as a segment
LONGER = 4 * TRAINED  # what a rotary run is trained on with
UPDATES = 100


def extensions(length):
    """What a rotary model is told when it reads `length` characters: (name, flags)."""
    for scaling in ("linear", "ntk", "dynamic", "yarn"):
        yield f"rotary, {scaling}", ["--rotary-scaling", scaling]
    yield "rotary, SelfExtend", ["--self-extend", str(2 * length // TRAINED), "--self-extend-window", str(TRAINED // 2)]
    yield "rotary, window", ["--window", str(TRAINED)]
    yield "rotary, window and sinks", ["--window", str(TRAINED - 4), "--sinks", "4"]


def run(options, *arguments):
    command = [str(TRAIN), *arguments, "--threads", str(options.threads)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"length_table: {' '.join(command)} failed: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def perplexity(options, run_folder, length, flags=()):
    out = run(options, "--evaluate-only", str(run_folder), "--context", str(length), *flags)
    return float(re.search(r"^val perplexity (\S+)$", out, re.M).group(1))


def train(options, name, *flags):
    folder = options.runs / name
    if not (folder / "last").exists():
        print(f"training {name}", file=sys.stderr)
        run(options, "--config", "train/recipes/gpt-length.toml", "--seed", str(options.seed), *flags, "--out", str(folder))
    return folder


def train_on(options, scaling):
    steps = [f"--{name}" for name in ("max-steps", "schedule-steps", "evaluate-every")]
    return train(options, f"rotary-{scaling}", "--init-from", str(options.runs / "rotary"), "--context", str(LONGER),
                 "--rotary-scaling", scaling, *(word for step in steps for word in (step, str(UPDATES))),
                 "--warmup-steps", "10", "--learning-rate", "1e-3")


def rows(options):
    for scheme in SCHEMES:
        folder = train(options, scheme, "--position", scheme)
        lengths = LENGTHS[:1] if scheme == "learned" else LENGTHS  # a learned table ends
        yield scheme, [perplexity(options, folder, length) for length in lengths]
    for n, (name, _) in enumerate(extensions(TRAINED)):
        yield name, [None] + [perplexity(options, options.runs / "rotary", length, list(extensions(length))[n][1])
                              for length in LENGTHS[1:]]
    for scheme in REMEMBER:  # segments of 128 that see the rest of each length
        folder = train(options, f"{scheme}-memory", "--position", scheme, "--memory", str(TRAINED))
        yield f"{scheme}, memory", [perplexity(options, folder, TRAINED, ["--memory", str(length - TRAINED)])
                                    for length in LENGTHS]
    for scaling in ("none", "linear", "ntk", "yarn"):
        folder = train_on(options, scaling)
        name = "rotary" if scaling == "none" else f"rotary, {scaling}"
        yield f"{name}, {UPDATES} updates at {LONGER}", [perplexity(options, folder, length) for length in LENGTHS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "length")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1337)
    options = parser.parse_args()
    options.runs = options.runs.resolve()
    if not TRAIN.exists():
        sys.exit(f"length_table: {TRAIN} is missing; run scripts/build.sh")
    print("| positions | " + " | ".join(f"{length}" for length in LENGTHS) + " |")
    print("|---" * (len(LENGTHS) + 1) + "|")
    for name, values in rows(options):
        cells = [f"{value:.2f}" if value else "" for value in values]
        print(f"| {name} | " + " | ".join(cells + [""] * (len(LENGTHS) - len(cells))) + " |", flush=True)


if __name__ == "__main__":
    main()
