#!/usr/bin/env python3
"""Makes mamba2.json beside this file: the outputs and final states of `transformers`' Mamba-2 mixer, with random weights
of odd sizes (float32).

    .venv-reference/bin/python tests/golden/mamba2.py
"""
import json
import pathlib

import torch
from transformers import Mamba2Config, Mamba2Model
from transformers.utils import logging

FILE = pathlib.Path(__file__).parent / "mamba2.json"
CASES = [
    dict(hidden_size=6, expand=2, num_heads=3, head_dim=4, n_groups=1, state_size=5, conv_kernel=4, length=11),
    dict(hidden_size=8, expand=2, num_heads=4, head_dim=4, n_groups=2, state_size=3, conv_kernel=3, length=7),
]


def numbers(tensor: torch.Tensor) -> dict:
    return {"shape": list(tensor.shape), "values": [float(f"{x:.8g}") for x in tensor.flatten().tolist()]}


def case(seed: int, length: int, **sizes) -> dict:
    torch.manual_seed(seed)
    model = Mamba2Model(Mamba2Config(vocab_size=4, num_hidden_layers=1, chunk_size=4, **sizes)).eval()
    mixer = model.layers[0].mixer
    with torch.no_grad():
        for name, parameter in mixer.named_parameters():
            noise = 0.5 * torch.randn_like(parameter)
            parameter.copy_(1 + noise if name in ("D", "norm.weight") else noise)
        x = torch.randn(2, length, sizes["hidden_size"])
        y = mixer(x)
    tensors = dict(mixer.named_parameters()) | {"x": x, "y": y}
    return sizes | {"tensors": {name: numbers(tensor.detach()) for name, tensor in tensors.items()}}


if __name__ == "__main__":
    logging.set_verbosity_error()
    FILE.write_text(json.dumps([case(seed, **options) for seed, options in enumerate(CASES)]) + "\n")
