"""The sentence pairs of data/en-fr as batches for a Python model, made by the zoo's rule (train/data/bucketed_batches.h):
shuffled, sorted by length, cut where rows * (longest source + longest target) would pass the budget, shuffled."""
import json
import pathlib
import random
import subprocess
import sys

import torch
from transformers import AutoConfig

ROOT = pathlib.Path(__file__).resolve().parents[2]


def padded(rows: list, value: int) -> torch.Tensor:
    length = max(map(len, rows))
    return torch.tensor([row + [value] * (length - len(row)) for row in rows])


def tokenize(verb: str, run: pathlib.Path, programs: pathlib.Path, text: str) -> str:
    done = subprocess.run([str(programs / "tokenize"), verb, "--tokenizer", str(run)], cwd=ROOT, input=text,
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"tokenize failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def encoded(run: pathlib.Path, programs: pathlib.Path, file: str) -> list:
    """The ids of each line, with the end token behind them."""
    eos = AutoConfig.from_pretrained(run).eos_token_id
    lines = tokenize("encode", run, programs, (ROOT / "data/en-fr" / file).read_text())
    return [json.loads(line) + [eos] for line in lines.splitlines()]


def pair_batches(run: pathlib.Path, programs: pathlib.Path, budget: int = 4096, longest: int = 64):
    """Without end: batches with the tokenizer and special ids of the run, in a new order at every epoch."""
    config = AutoConfig.from_pretrained(run)
    pairs = [(source, target) for source, target in
             zip(encoded(run, programs, "train.en"), encoded(run, programs, "train.fr"))
             if 1 < min(len(source), len(target)) and max(len(source), len(target)) <= longest + 1]
    order = random.Random(0)
    while True:
        order.shuffle(pairs)
        pairs.sort(key=lambda pair: (len(pair[1]), len(pair[0])))
        groups, widths = [[]], (0, 0)
        for pair in pairs:
            widths = (max(widths[0], len(pair[0])), max(widths[1], len(pair[1])))
            if groups[-1] and (len(groups[-1]) + 1) * sum(widths) > budget:
                groups.append([])
                widths = (len(pair[0]), len(pair[1]))
            groups[-1].append(pair)
        order.shuffle(groups)
        for group in groups:
            source = padded([s for s, _ in group], config.pad_token_id)
            shifted = [[config.decoder_start_token_id] + t[:-1] for _, t in group]
            yield {"input_ids": source, "attention_mask": source.ne(config.pad_token_id).long(),
                   "decoder_input_ids": padded(shifted, config.pad_token_id),
                   "labels": padded([t for _, t in group], -100)}
