#!/usr/bin/env python3
"""Trains one model with the zoo and with `transformers` in turn, and compares how long an update takes.

    scripts/build.sh && scripts/get_data.sh shakespeare && scripts/get_data.sh en-fr && scripts/bootstrap.sh --reference
    .venv-reference/bin/python tests/benchmarks/reference_speed.py bert
    .venv-reference/bin/python tests/benchmarks/reference_speed.py translation

Both train the model of the zoo run's config.json with AdamW (fused) on batches of equal size. The reference sees them
cut and padded by the zoo's rule; its own collator would pad more. tokens: real ones, source and target.
Exit code 1 if the zoo is less than --at-least times as fast. Nothing else should run on the machine.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice

import torch
from pair_batches import pair_batches
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
BERT = ["--data", "data/shakespeare", "--vocab-size", "30000", "--layers", "4", "--d-model", "256", "--heads", "4",
        "--context", "128", "--batch-size", "16", "--attention", "flash"]
TRANSLATION = ["--config", "train/recipes/transformer-en-fr.toml", "--decode-pairs", "0"]


def command(*words) -> str:
    done = subprocess.run([str(word) for word in words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"reference_speed: {words[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def zoo_run(program: str, arguments: list, options, folder: pathlib.Path) -> float:
    """Median seconds of an update; the run stays in `folder`."""
    command(options.bin / program, *arguments, "--max-steps", options.steps, "--evaluate-every", options.steps,
            "--warmup-steps", 10, "--threads", options.threads, "--out", folder)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    train = [line["elapsed_s"] for line in lines if line["split"] == "train"]
    return statistics.median(b - a for a, b in zip(train[5:], train[6:]))


# ---- The batches ----------------------------------------------------------------------------------------------------
def bert_batches(run: pathlib.Path, steps: int) -> list:
    config = AutoConfig.from_pretrained(run)
    batches = []
    for _ in range(steps):
        tokens = torch.randint(5, config.vocab_size, (16, 128))
        labels = torch.where(torch.rand(tokens.shape) < 0.15, tokens, -100)
        batches.append({"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "labels": labels})
    return batches


def tokens_of(batch: dict) -> int:
    total = int(batch["attention_mask"].sum())
    return total + int(batch["labels"].ne(-100).sum()) if "decoder_input_ids" in batch else total


# ---- The reference --------------------------------------------------------------------------------------------------
def reference_run(model, batches: list, smoothing: float) -> float:
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    seconds = []
    for batch in batches:
        began = time.perf_counter()
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        logits = model(**inputs, use_cache=False).logits if "decoder_input_ids" in inputs else model(**inputs).logits
        loss = F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=-100,
                               label_smoothing=smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[5:])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=["bert", "translation"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40, help="updates of a run; the first five do not count")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--at-least", type=float, default=1.3, help="smallest good ratio of speeds")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    return parser.parse_args()


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    bert = options.family == "bert"
    ours, theirs, batches = [], [], []
    print(f"{'run':<16} {'ms an update':>13} {'tokens/s':>10}")
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            run = pathlib.Path(folder) / "run"
            ours.append(zoo_run(*(("train_bert", BERT) if bert else ("train_transformer", TRANSLATION)), options, run))
            batches = batches or (bert_batches(run, options.steps) if bert else list(islice(pair_batches(run, options.bin), options.steps)))
            config = AutoConfig.from_pretrained(run)
            model = (AutoModelForMaskedLM if bert else AutoModelForSeq2SeqLM).from_config(config)
        theirs.append(reference_run(model, batches, 0.0 if bert else 0.1))
        mean_tokens = statistics.mean(map(tokens_of, batches))
        for name, seconds in (("zoo", ours[-1]), ("transformers", theirs[-1])):
            print(f"{name + ' ' + str(repeat + 1):<16} {1000 * seconds:>13.1f} {mean_tokens / seconds:>10.0f}", flush=True)
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"zoo / transformers, of the medians: {ratio:.2f} times the speed")
    sys.exit(0 if ratio >= options.at_least else 1)


if __name__ == "__main__":
    main()
