#!/usr/bin/env python3
"""The PyTorch twin of train/recipes/gpt-shakespeare-cpu.toml: the structure and recipe of nanoGPT's CPU example in
Python, to measure the zoo's training against (gpt_speed.py) and to check its first steps (tests/interop).

    scripts/get_data.sh tinyshakespeare
    .venv-reference/bin/python tests/benchmarks/gpt_twin.py --threads 2
"""
import argparse
import json
import math
import pathlib
import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

TEXT = pathlib.Path("data/tinyshakespeare/input.txt")


@dataclass
class Recipe:
    layers: int = 4
    heads: int = 4
    width: int = 128
    context: int = 64
    batch: int = 12
    steps: int = 2000
    rate: float = 1e-3
    last_rate: float = 1e-4
    warmup: int = 100
    betas: tuple = (0.9, 0.99)
    decay: float = 0.1
    clip: float = 1.0
    evaluate_every: int = 250


# ---- Model: pre-norm, no biases, exact GELU, the output layer shares the embedding ---------------------------------
class Attention(nn.Module):
    def __init__(self, r: Recipe):
        super().__init__()
        self.heads = r.heads
        self.c_attn = nn.Linear(r.width, 3 * r.width, bias=False)
        self.c_proj = nn.Linear(r.width, r.width, bias=False)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2)
                   for part in self.c_attn(x).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    def __init__(self, r: Recipe):
        super().__init__()
        self.c_fc = nn.Linear(r.width, 4 * r.width, bias=False)
        self.c_proj = nn.Linear(4 * r.width, r.width, bias=False)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, r: Recipe):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(r.width, bias=False), nn.LayerNorm(r.width, bias=False)
        self.attn, self.mlp = Attention(r), FeedForward(r)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Twin(nn.Module):
    """Its parameters bear the names of GPT-2 in `transformers`."""

    def __init__(self, vocab: int, r: Recipe):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocab, r.width), "wpe": nn.Embedding(r.context, r.width),
            "h": nn.ModuleList(Block(r) for _ in range(r.layers)), "ln_f": nn.LayerNorm(r.width, bias=False)})
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:  # projections into the residual stream start smaller, as in GPT-2
                std = 0.02 / math.sqrt(2 * r.layers) if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(parameter, std=std)

    def forward(self, ids, targets):
        t = self.transformer
        x = t["wte"](ids) + t["wpe"](torch.arange(ids.shape[1]))
        for block in t["h"]:
            x = block(x)
        logits = F.linear(t["ln_f"](x), t["wte"].weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# ---- Training -------------------------------------------------------------------------------------------------------
def load_text(path: pathlib.Path):
    """Ids of the sorted characters: the first 90 % to train on, the rest to validate."""
    text = path.read_text()
    ids = {character: n for n, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([ids[character] for character in text])
    cut = int(0.9 * len(tokens))
    return tokens[:cut], tokens[cut:], len(ids)


def random_windows(tokens, r: Recipe, generator):
    starts = torch.randint(0, len(tokens) - r.context, (r.batch,), generator=generator)
    windows = torch.stack([tokens[start:start + r.context + 1] for start in starts.tolist()])
    return windows[:, :-1], windows[:, 1:]


def rate_at(step: int, r: Recipe) -> float:
    """step counts updates already done."""
    if step < r.warmup:
        return r.rate * (step + 1) / (r.warmup + 1)
    done = min(1.0, (step - r.warmup) / (r.steps - r.warmup))
    return r.last_rate + 0.5 * (1 + math.cos(math.pi * done)) * (r.rate - r.last_rate)


def make_optimizer(model: nn.Module, r: Recipe):
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": r.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=r.rate, betas=r.betas)


def train_step(model, optimizer, ids, targets, rate: float, r: Recipe) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = model(ids, targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), r.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


@torch.no_grad()
def evaluate(model, tokens, r: Recipe, batch: int = 64) -> float:
    """Mean loss over all of the text, in windows that do not overlap; the last one is shorter."""
    whole = (len(tokens) - 1) // r.context * r.context
    pairs = list(zip(tokens[:whole].view(-1, r.context).split(batch), tokens[1:whole + 1].view(-1, r.context).split(batch)))
    if whole < len(tokens) - 1:
        pairs.append((tokens[None, whole:-1], tokens[None, whole + 1:]))
    return sum(model(ids, targets).item() * targets.numel() for ids, targets in pairs) / (len(tokens) - 1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=pathlib.Path, default=TEXT)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=1337)
    arguments.add_argument("--steps", type=int, default=Recipe.steps)
    arguments.add_argument("--json", action="store_true", help="print one JSON object at the end, nothing else")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    began = time.perf_counter()

    r = Recipe(steps=options.steps)
    train, validation, vocab = load_text(options.data)
    model = Twin(vocab, r)
    optimizer = make_optimizer(model, r)
    generator = torch.Generator().manual_seed(options.seed)
    seconds = []
    for step in range(r.steps + 1):
        if step % r.evaluate_every == 0 or step == r.steps:
            value = evaluate(model, validation, r)
            if not options.json:
                print(f"step {step}: validation loss {value:.4f}", flush=True)
        if step < r.steps:
            start = time.perf_counter()
            train_step(model, optimizer, *random_windows(train, r, generator), rate_at(step, r), r)
            seconds.append(time.perf_counter() - start)
    result = {"val_loss": value, "ms_per_step": 1000 * statistics.median(seconds),
              "wall_s": time.perf_counter() - began, "steps": r.steps, "threads": options.threads}
    if options.json:
        print(json.dumps(result))
    else:
        print("validation loss {val_loss:.4f}, {ms_per_step:.1f} ms a step, {wall_s:.1f} s in all".format(**result))


if __name__ == "__main__":
    main()
