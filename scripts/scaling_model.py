#!/usr/bin/env python3
"""Replays the measured updates of a run in more processes than there are machines for.

  scripts/scaling_model.py runs/gpt-1 --gbit 1 10 100

Each process draws its time for an update from those of the run (metrics.jsonl), so that slow ones, up to
three times the median, are there as well; all wait for the slowest. Gradients travel in a ring: each process sends and receives
2 (N - 1) / N times the gradients' bytes in 2 (N - 1) steps, while backward, two thirds of an update,
computes. What does not fit into that time is waited for.
"""
import argparse
import json
import pathlib
import random
import sys


def update_seconds(run):
    """Of each update but the first tenth, which warms up."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    train = [line for line in map(json.loads, lines) if line["split"] == "train"]
    train = train[len(train) // 10:]
    times = [after["elapsed_s"] - before["elapsed_s"] for before, after in zip(train, train[1:])
             if after["step"] == before["step"] + 1]
    if not times:
        sys.exit(f"scaling_model.py: {run} has no two updates in a row; train it with --log-every 1")
    # An evaluation or a checkpoint between two updates is none of their work.
    typical = sorted(times)[len(times) // 2]
    return [time for time in times if time <= 3 * typical]


def ring_seconds(gradient_bytes, processes, gbit, latency):
    sent = 2 * (processes - 1) / processes * gradient_bytes
    return sent / (gbit * 1e9 / 8) + 2 * (processes - 1) * latency


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="run folder of one process")
    parser.add_argument("--gbit", type=float, nargs="+", default=[1, 10, 100], help="bandwidths of a link, Gbit/s")
    parser.add_argument("--latency", type=float, default=50e-6, help="seconds a message takes at least")
    parser.add_argument("--bytes", type=float, default=4, help="of a gradient: 4, or 2 with --gradient-compression bf16")
    parser.add_argument("--parameters", type=float, help="of another model than the run's, in millions")
    parser.add_argument("--update-ms", type=float, help="what an update takes on average, with the run's spread")
    parser.add_argument("--updates", type=int, default=200, help="updates replayed")
    arguments = parser.parse_args()
    try:
        times = update_seconds(arguments.run)
        own = json.loads((arguments.run / "run.json").read_text())["parameters"]
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"scaling_model.py: {arguments.run} is no run folder: {error}")
    parameters = arguments.parameters * 1e6 if arguments.parameters else own
    mean = sum(times) / len(times)
    scale = arguments.update_ms / 1e3 / mean if arguments.update_ms else 1.0
    draw = random.Random(1)
    print(f"{parameters / 1e6:.2f} M parameters, {1e3 * scale * mean:.1f} ms an update of one process")
    print(f"{'processes':>9}  " + "  ".join(f"{gbit:>5g} Gbit/s" for gbit in arguments.gbit) + "   (share of N times one process)")
    for processes in (1, 2, 4, 8, 32, 128, 512):
        shares = []
        for gbit in arguments.gbit:
            exchange = ring_seconds(arguments.bytes * parameters, processes, gbit, arguments.latency) if processes > 1 else 0
            spent = 0.0
            for _ in range(arguments.updates):
                slowest = scale * max(draw.choice(times) for _ in range(processes))
                spent += slowest + max(0.0, exchange - 2 / 3 * slowest)
            alone = scale * mean * arguments.updates
            shares.append(alone / spent)
        print(f"{processes:>9}  " + "  ".join(f"{100 * share:>10.0f} %" for share in shares))


if __name__ == "__main__":
    main()
