#!/usr/bin/env python3
"""Makes beam_search.json beside this file: sequences and sequences_scores of `transformers`' beam search with the
weights in gpt2/.

    .venv-reference/bin/python tests/golden/beam_search.py
"""
import json
import pathlib

import torch
from transformers import GPT2LMHeadModel
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent
PROMPTS = [[7, 3, 22], [41], [5, 9, 9, 13, 58, 2]]
# Tokens that are frequent under these weights end texts, so that beams end at different times.
ENDS = [[60], [11, 26, 42], [8, 11, 42, 51, 53, 60], []]
CASES = [
    (0, {"num_beams": 2, "max_new_tokens": 8}),
    (1, {"num_beams": 4, "max_new_tokens": 12, "num_return_sequences": 4}),
    (2, {"num_beams": 3, "max_new_tokens": 14, "num_return_sequences": 3}),
    (2, {"num_beams": 3, "max_new_tokens": 14, "num_return_sequences": 3, "length_penalty": 0.0}),
    (2, {"num_beams": 5, "max_new_tokens": 14, "num_return_sequences": 5, "length_penalty": 2.0}),
    (2, {"num_beams": 5, "max_new_tokens": 14, "num_return_sequences": 5, "length_penalty": -1.0}),
    (2, {"num_beams": 4, "max_new_tokens": 14, "num_return_sequences": 2, "early_stopping": True}),
    (2, {"num_beams": 4, "max_new_tokens": 14, "num_return_sequences": 4, "early_stopping": "never"}),
    (2, {"num_beams": 4, "max_new_tokens": 14, "num_return_sequences": 4, "early_stopping": "never",
         "length_penalty": -0.5}),
    (3, {"num_beams": 4, "max_new_tokens": 6, "num_return_sequences": 4}),
    (2, {"num_beams": 3, "max_new_tokens": 10, "num_return_sequences": 3, "min_new_tokens": 6}),
    (2, {"num_beams": 3, "max_new_tokens": 14, "num_return_sequences": 3, "repetition_penalty": 1.4,
         "no_repeat_ngram_size": 2}),
    (1, {"num_beams": 3, "max_new_tokens": 7, "num_return_sequences": 3, "forced_eos_token_id": 11}),
    (1, {"num_beams": 30, "max_new_tokens": 4, "num_return_sequences": 30}),
    (2, {"num_beams": 3, "max_new_tokens": 1, "num_return_sequences": 3}),
]


def best(model: GPT2LMHeadModel, prompt: list, eos: list, options: dict) -> list:
    out = model.generate(torch.tensor([prompt]), do_sample=False, eos_token_id=eos or None, pad_token_id=0,
                         return_dict_in_generate=True, output_scores=True, **options)
    results = []
    for row, score in zip(out.sequences.tolist(), out.sequences_scores.tolist()):
        tokens = row[len(prompt):]
        ends = [i for i, token in enumerate(tokens) if token in eos]
        results.append({"tokens": tokens[:ends[0] + 1] if ends else tokens, "score": float(f"{score:.7g}")})
    return results


def main() -> None:
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    model = GPT2LMHeadModel.from_pretrained(HERE / "gpt2").eval()
    cases = []
    for ends, options in CASES:
        texts = [best(model, prompt, ENDS[ends], options) for prompt in PROMPTS]
        cases.append({"options": {key.replace("_", "-"): value for key, value in options.items()}, "eos": ENDS[ends],
                      "texts": texts})
    path = pathlib.Path(__file__).with_suffix(".json")
    golden = {"prompts": PROMPTS, "cases": cases}
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('{"options"', '\n{"options"') + "\n")
    lengths = sorted({len(text["tokens"]) for case in cases for texts in case["texts"] for text in texts})
    print(f"{path.name}: {path.stat().st_size} bytes, lengths {lengths}")


if __name__ == "__main__":
    main()
