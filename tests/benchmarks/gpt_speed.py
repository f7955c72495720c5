#!/usr/bin/env python3
"""Runs the zoo's train_gpt and the PyTorch twin in turn on the same recipe, and compares wall time and loss.

    scripts/build.sh train_gpt && scripts/get_data.sh tinyshakespeare && scripts/bootstrap.sh --reference
    .venv-reference/bin/python tests/benchmarks/gpt_speed.py --repeats 3

wall: from the start of the process to its end, evaluations included. training: without loading the program.
Exit code 1 if the ratio of the median wall times is above --at-most. Nothing else should run on the machine.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def timed(command: list) -> tuple:
    began = time.perf_counter()
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"gpt_speed: {command[0]} failed: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - began, done.stdout


def run_zoo(options) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        wall, _ = timed([options.program, "--config", options.recipe, "--data", options.data, "--out", out,
                         "--threads", options.threads, *options.zoo_options])
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    train = [line for line in lines if line["split"] == "train"]
    validation = [line for line in lines if line["split"] == "val"]
    # The clock runs on through evaluations: the median is of steps that had none before them.
    steps = [1000 * (b["elapsed_s"] - a["elapsed_s"]) for a, b in zip(train, train[1:])]
    return {"wall_s": wall, "training_s": max(line["elapsed_s"] for line in lines),
            "ms_per_step": statistics.median(steps), "val_loss": validation[-1]["loss"], "steps": len(train)}


def run_twin(options) -> dict:
    wall, text = timed([options.python, ROOT / "tests/benchmarks/gpt_twin.py", "--json",
                        "--data", options.data, "--threads", options.threads])
    result = json.loads(text)
    return {"wall_s": wall, "training_s": result["wall_s"], "ms_per_step": result["ms_per_step"],
            "val_loss": result["val_loss"], "steps": result["steps"]}


def median_of(runs: list) -> dict:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--at-most", type=float, default=0.85, help="largest good ratio zoo / twin")
    parser.add_argument("--program", default="build/release/bin/train_gpt")
    parser.add_argument("--recipe", default="train/recipes/gpt-shakespeare-cpu.toml")
    parser.add_argument("--data", default="data/tinyshakespeare/input.txt")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has torch")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("zoo_options", nargs="*", help="after --: more options for train_gpt")
    return parser.parse_args()


def main() -> None:
    options = parse()
    runs = {"zoo": [], "twin": []}
    row = "{:<12} {:>8} {:>11} {:>12} {:>10}"
    if not options.json:
        print(row.format("run", "wall s", "training s", "ms a step", "val loss"))
    for repeat in range(options.repeats):
        for name, run in (("zoo", run_zoo), ("twin", run_twin)):
            runs[name].append(run(options))
            if not options.json:
                r = runs[name][-1]
                print(row.format(f"{name} {repeat + 1}", f"{r['wall_s']:.1f}", f"{r['training_s']:.1f}",
                                 f"{r['ms_per_step']:.2f}", f"{r['val_loss']:.4f}"), flush=True)
    if len({run["steps"] for both in runs.values() for run in both}) != 1:
        sys.exit("gpt_speed: the two did not take the same number of steps")
    medians = {name: median_of(both) for name, both in runs.items()}
    ratios = {key: medians["zoo"][key] / medians["twin"][key] for key in ("wall_s", "training_s", "ms_per_step")}
    if options.json:
        machine = {"system": platform.platform(), "cores": os.cpu_count(), "threads": options.threads}
        print(json.dumps({"machine": machine, "runs": runs, "medians": medians, "ratios": ratios}, indent=2))
    else:
        for name, r in medians.items():
            print(row.format(f"{name} median", f"{r['wall_s']:.1f}", f"{r['training_s']:.1f}",
                             f"{r['ms_per_step']:.2f}", f"{r['val_loss']:.4f}"))
        print(row.format("zoo / twin", *(f"{ratio:.2f}" for ratio in ratios.values()), ""))
    sys.exit(0 if ratios["wall_s"] <= options.at_most else 1)


if __name__ == "__main__":
    main()
