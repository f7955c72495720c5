#!/usr/bin/env python3
"""Makes logits_processors.json beside this file: next-token scores after the logits processors of `transformers` that
penalise and constrain, in the order in which its `generate` runs them. Minus infinity is null.

    .venv-reference/bin/python tests/golden/logits_processors.py
"""
import json
import math
import pathlib

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.generation import GenerationConfig

ROWS, VOCAB, LENGTH, MAX_NEW_TOKENS = 4, 7, 9, 7
EOS = [2, 5]
# Tokens so far, of which the prompt's; then the options.
CASES = [
    (9, 4, {"repetition_penalty": 1.3}),
    (9, 4, {"no_repeat_ngram_size": 1}),
    (9, 4, {"no_repeat_ngram_size": 2}),
    (9, 4, {"no_repeat_ngram_size": 3}),
    (2, 1, {"no_repeat_ngram_size": 3}),
    (1, 1, {"no_repeat_ngram_size": 3}),
    (9, 4, {"bad_words_ids": [[3], [6, 1], [0, 1, 4], [5]]}),
    (1, 1, {"bad_words_ids": [[3], [6, 1], [0, 1, 4]]}),
    (8, 4, {"min_length": 8}),
    (8, 4, {"min_length": 9}),
    (8, 4, {"min_new_tokens": 4}),
    (8, 4, {"min_new_tokens": 5}),
    (1, 1, {"forced_bos_token_id": 6}),
    (2, 1, {"forced_bos_token_id": 6}),
    (9, 3, {"forced_eos_token_id": 5}),
    (8, 3, {"forced_eos_token_id": 5}),
    (9, 4, {"suppress_tokens": [0, 6]}),
    (4, 4, {"begin_suppress_tokens": [1, 2]}),
    (5, 4, {"begin_suppress_tokens": [1, 2]}),
    (2, 1, {"begin_suppress_tokens": [1, 2], "forced_bos_token_id": 6}),
    (9, 4, {"repetition_penalty": 0.7, "no_repeat_ngram_size": 2, "bad_words_ids": [[4]], "min_new_tokens": 6,
            "suppress_tokens": [6]}),
    (9, 3, {"forced_eos_token_id": 5, "suppress_tokens": [6]}),
    (9, 3, {"forced_eos_token_id": [5, 2]}),
    (5, 5, {"forced_bos_token_id": 6}),
    (5, 5, {"forced_bos_token_id": 6, "begin_suppress_tokens": [1, 2]}),
    (9, 4, {"encoder_repetition_penalty": 1.4}),
    (9, 4, {"encoder_repetition_penalty": 0.6, "repetition_penalty": 1.2}),
    (9, 4, {"encoder_no_repeat_ngram_size": 1}),
    (9, 4, {"encoder_no_repeat_ngram_size": 2}),
    (9, 4, {"encoder_no_repeat_ngram_size": 3}),
    (1, 1, {"encoder_no_repeat_ngram_size": 3}),
    (9, 4, {"sequence_bias": [[[3], 1.5], [[1, 0], -2.5], [[0, 1, 4], 0.5], [[4], -0.25]]}),
    (1, 1, {"sequence_bias": [[[3], 1.5], [[1, 0], -2.5]]}),
    (9, 4, {"sequence_bias": [[[3], 1.5]], "repetition_penalty": 1.5, "encoder_repetition_penalty": 1.3}),
    (9, 4, {"exponential_decay_length_penalty": [2, 1.3]}),
    (6, 4, {"exponential_decay_length_penalty": [2, 1.3]}),
    (9, 4, {"exponential_decay_length_penalty": [1, 1.1], "min_length": 12}),
    (9, 4, {"renormalize_logits": True, "repetition_penalty": 1.3}),
    (9, 4, {"remove_invalid_values": True, "suppress_tokens": [1]}),
    (9, 3, {"forced_eos_token_id": 5, "exponential_decay_length_penalty": [0, 1.2], "suppress_tokens": [3],
            "renormalize_logits": True}),
    (4, 4, {"sequence_bias": [[[0], 2.0]], "encoder_repetition_penalty": 1.2, "repetition_penalty": 1.3,
            "no_repeat_ngram_size": 3, "encoder_no_repeat_ngram_size": 3, "bad_words_ids": [[4], [1, 1]],
            "min_length": 6, "suppress_tokens": [6], "begin_suppress_tokens": [3], "renormalize_logits": True}),
]


def processors(model: GPT2LMHeadModel, prompt: int, source_ids: torch.Tensor, options: dict):
    config = GenerationConfig(eos_token_id=EOS, max_length=prompt + MAX_NEW_TOKENS, **options)
    model._prepare_special_tokens(config, kwargs_has_attention_mask=True, device="cpu")
    return model._get_logits_processor(generation_config=config, input_ids_seq_length=prompt,
                                       encoder_input_ids=source_ids, device="cpu")


def main() -> None:
    generator = torch.Generator().manual_seed(8)
    logits = (3 * torch.randn(ROWS, VOCAB, generator=generator)).round(decimals=3)
    # Few different tokens, so that n-grams come back.
    input_ids = torch.randint(0, VOCAB - 2, (ROWS, LENGTH), generator=generator)
    input_ids[0] = torch.tensor([4, 1, 0, 1, 4, 1, 0, 0, 1])
    input_ids[1, -1] = 6
    source_ids = torch.randint(0, VOCAB, (ROWS, 6), generator=generator)
    source_ids[0, :3] = torch.tensor([0, 1, 4])
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_positions=8, n_embd=4, n_layer=1, n_head=1, bos_token_id=0,
                                       eos_token_id=0))
    cases = []
    for length, prompt, options in CASES:
        scores = processors(model, prompt, source_ids, options)(input_ids[:, :length], logits.clone())
        cases.append({"options": options, "length": length, "prompt": prompt,
                      "scores": [None if s == -math.inf else float(f"{s:.6g}") for s in scores.flatten().tolist()]})
    golden = {"vocab": VOCAB, "eos": EOS, "max_new_tokens": MAX_NEW_TOKENS,
              "logits": [round(x, 3) for x in logits.flatten().tolist()], "input_ids": input_ids.tolist(),
              "source_ids": source_ids.tolist(), "cases": cases}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('{"options"', '\n{"options"') + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
