#!/usr/bin/env python3
"""Makes sampling_filters.json beside this file: next-token probabilities after the logits processors of `transformers`,
in the order in which its `generate` runs them.

    .venv-reference/bin/python tests/golden/sampling_filters.py
"""
import json
import pathlib

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.generation import GenerationConfig, LogitsProcessorList

ROWS, VOCAB = 3, 24
CASES = [
    {"temperature": 0.7},
    {"temperature": 2.5},
    {"top-k": 1},
    {"top-k": 5},
    {"top-k": 100},
    {"top-p": 0.3},
    {"top-p": 0.9},
    {"min-p": 0.05},
    {"min-p": 0.4},
    {"repetition-penalty": 1.3},
    {"repetition-penalty": 0.8},
    {"typical-p": 0.2},
    {"typical-p": 0.9},
    {"epsilon-cutoff": 0.003},
    {"epsilon-cutoff": 0.2},
    {"eta-cutoff": 0.003},
    {"eta-cutoff": 0.2},
    {"temperature": 1.5, "top-k": 12, "typical-p": 0.7, "epsilon-cutoff": 0.01, "eta-cutoff": 0.05},
    {"temperature": 0.8, "top-k": 10, "top-p": 0.95},
    {"temperature": 1.7, "top-p": 0.6, "min-p": 0.1},
    {"temperature": 0.5, "top-k": 7, "top-p": 0.8, "min-p": 0.15, "repetition-penalty": 1.2},
]


def processors(model: GPT2LMHeadModel, options: dict) -> LogitsProcessorList:
    # top_k is named always: the reference's own default is 50.
    named = {"top_k": 0} | {key.replace("-", "_"): value for key, value in options.items()}
    config = GenerationConfig(do_sample=True, **named)
    return model._get_logits_processor(generation_config=config)


def main() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = (3 * torch.randn(ROWS, VOCAB, generator=generator)).round(decimals=3)
    input_ids = torch.randint(0, VOCAB, (ROWS, 6), generator=generator)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_positions=8, n_embd=4, n_layer=1, n_head=1, bos_token_id=0,
                                       eos_token_id=0))
    cases = []
    for options in CASES:
        probabilities = processors(model, options)(input_ids, logits.clone()).softmax(-1)
        cases.append({"options": options, "probabilities": [float(f"{p:.6g}") for p in probabilities.flatten().tolist()]})
    golden = {"vocab": VOCAB, "logits": [round(x, 3) for x in logits.flatten().tolist()],
              "input_ids": input_ids.tolist(), "cases": cases}
    path = pathlib.Path(__file__).with_suffix(".json")
    lines = json.dumps(golden, separators=(",", ":")).replace('{"options"', '\n{"options"')
    path.write_text(lines + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
