#!/usr/bin/env python3
"""Training byte-level BPE on a large text: seconds and peak memory, ours against `tokenizers`, and whether the merges are equal.

    scripts/build.sh train_tokenizer && scripts/bootstrap.sh --reference
    .venv-reference/bin/python tests/benchmarks/tokenizer_training.py TEXT... --megabytes 100 --vocab-size 32000

The files are put one after the other, and again from the beginning until there is enough; repeated lines stand in an order of
their own. Both train in processes of their own on as many threads; the start of Python (0.1 s, 30 MB) counts with the package.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = """
import sys, tokenizers
t = tokenizers.ByteLevelBPETokenizer()
t.train([sys.argv[1]], vocab_size=int(sys.argv[2]), min_frequency=2, special_tokens=["<|endoftext|>"], show_progress=False)
t.save_model(sys.argv[3])
"""


def write_text(sources, size, file):
    """Whole lines, `size` bytes of them."""
    lines = [line for source in sources for line in source.read_text(encoding="utf-8", errors="ignore").splitlines(keepends=True)]
    lines = [line for line in lines if "\0" not in line]
    rng, written = random.Random(1), 0
    with open(file, "wb") as out:
        while written < size:
            for line in lines:
                written += out.write(line.encode())
                if written >= size:
                    break
            rng.shuffle(lines)
    return written


def measure(command, threads):
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"RAYON_NUM_THREADS": str(threads)})
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"tokenizer_training: {command[0]} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def merges_of(folder):
    return [line for line in (folder / "merges.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#version")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=pathlib.Path, nargs="+")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--vocab-size", type=int, default=32000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        text = work / "text.txt"
        print(f"{write_text(options.text, options.megabytes * 1_000_000, text) / 1e6:.1f} MB, {options.threads} threads")
        for repeat in range(options.repeats):
            ours, package = work / f"ours-{repeat}", work / f"package-{repeat}"
            package.mkdir()
            size = str(options.vocab_size)
            for name, command in [("zoo", [options.programs / "train_tokenizer", "--kind", "byte-bpe", "--vocab-size", size, "--threads",
                                           str(options.threads), "--out", ours, text]),
                                  ("tokenizers", [sys.executable, "-c", PACKAGE, text, size, package])]:
                seconds, megabytes = measure(command, options.threads)
                print(f"{name:<12} {seconds:7.2f} s {megabytes:8.0f} MB", flush=True)
            print(f"merges equal: {'yes' if merges_of(ours) == merges_of(package) else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
