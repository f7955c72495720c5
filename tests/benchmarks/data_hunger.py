#!/usr/bin/env python3
"""How much a vision transformer, a compact one and a residual network make of few pictures: each is trained on shares of
MNIST for as many updates, and measured on the same test pictures.

    scripts/build.sh && scripts/get_data.sh mnist
    python3 tests/benchmarks/data_hunger.py --out runs/hunger

Prints a table, and draws it to OUT/hunger.svg. A run that is there already is not made again.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = {
    "vit": ("ViT", "#b5482f", ["--patch-size", "4", "--layers", "6", "--d-model", "64", "--heads", "4",
                               "--feed-forward", "128", "--attention", "auto", "--position", "rotary-2d",
                               "--pooling", "mean", "--init-std", "0.08"]),
    "cct": ("CCT", "#2f6db5", ["--layers", "2", "--d-model", "64", "--heads", "2", "--attention", "auto"]),
    "cnn": ("CNN", "#3c8a3f", ["--blocks", "1", "--width", "16"]),
}


def accuracy(model: str, share: float, options) -> float:
    """Of the last evaluation of a run, which is made where it is missing."""
    folder = options.out / f"{model}-{share:g}"
    if not (folder / "report.html").exists():
        command = [options.bin / "train_vit", "--data", options.data, "--architecture", model, *MODELS[model][2],
                   "--train-fraction", share, "--crop-padding", 2, "--max-steps", options.steps,
                   "--warmup-steps", options.steps // 10, "--final-share", 0.01, "--weight-decay", 0.05,
                   "--evaluate-every", options.steps, "--threads", options.threads, "--device", options.device,
                   "--out", folder]
        done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"data_hunger: train_vit failed: {done.stderr.strip()[-500:]}")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["accuracy"] for line in lines if line["split"] == "val"][-1]


def picture(rows: dict, shares: list) -> str:
    """Errors over shares, both axes logarithmic."""
    width, height, left, right, top, bottom = 560, 360, 60, 70, 20, 50
    errors = [1 - a for row in rows.values() for a in row]
    low, high = math.floor(math.log10(min(errors))), math.ceil(math.log10(max(errors)))
    first, last = math.log10(shares[0]), math.log10(shares[-1])

    def x(share):
        return left + (math.log10(share) - first) / max(last - first, 1e-9) * (width - left - right)

    def y(error):
        return top + (high - math.log10(error)) / (high - low) * (height - top - bottom)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             'font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for power in range(low, high + 1):
        at = y(10.0 ** power)
        parts.append(f'<path d="M{left} {at:.1f}H{width - right}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{100 * 10.0 ** power:g} %</text>')
    for share in shares:
        parts.append(f'<text x="{x(share):.1f}" y="{height - 28}" text-anchor="middle">{100 * share:g} %</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">share of the training pictures</text>'
                 f'<text transform="translate(14 {height / 2}) rotate(-90)" text-anchor="middle">test error</text>')
    for model, row in rows.items():
        name, colour, _ = MODELS[model]
        points = [(x(share), y(1 - a)) for share, a in zip(shares, row)]
        parts.append(f'<path d="M{" L".join(f"{px:.1f} {py:.1f}" for px, py in points)}" fill="none" '
                     f'stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{points[-1][0] + 8:.1f}" y="{points[-1][1] + 4:.1f}" fill="{colour}">{name}</text>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>' for px, py in points]
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs/hunger")
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--shares", nargs="+", type=float, default=[0.01, 0.1, 1.0])
    parser.add_argument("--steps", type=int, default=600, help="updates of each run")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    options = parser.parse_args()
    if not (options.bin / "train_vit").is_file():
        sys.exit(f"data_hunger: there is no train_vit in {options.bin}; run scripts/build.sh, or name its folder with --bin")
    options.out.mkdir(parents=True, exist_ok=True)
    rows = {}
    print("| | " + " | ".join(f"{100 * share:g} %" for share in options.shares) + " |")
    print("|---" * (len(options.shares) + 1) + "|")
    for model in options.models:
        rows[model] = [accuracy(model, share, options) for share in options.shares]
        print(f"| {MODELS[model][0]} | " + " | ".join(f"{100 * a:.1f} %" for a in rows[model]) + " |", flush=True)
    (options.out / "hunger.svg").write_text(picture(rows, options.shares), encoding="utf-8")
    print(options.out / "hunger.svg")


if __name__ == "__main__":
    main()
