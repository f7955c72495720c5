#!/usr/bin/env python3
"""torch.nn.Transformer on the recipe transformer-en-fr: the same data, vocabulary, batches, sizes, optimizer and schedule
in Python, given a budget of processor seconds, then scored on the test sentences, greedily.

    train_transformer --config train/recipes/transformer-en-fr.toml --threads 1 --out runs/en-fr
    .venv-reference/bin/python tests/benchmarks/translation_twin.py --run runs/en-fr --seconds 800

The zoo's own time: the user and system time of `time train_transformer ...`. One thread each makes the two comparable on
a machine that has other work. The vocabulary is read from the zoo's run.
"""
import argparse
import json
import math
import pathlib
import sys
import time

import sacrebleu
import torch
from pair_batches import ROOT, encoded, padded, pair_batches, tokenize
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig

LAYERS, WIDTH, HEADS, FEED_FORWARD, DROPOUT, SMOOTHING = 2, 192, 4, 768, 0.1, 0.1
PEAK, WARMUP_SHARE, FINAL_SHARE = 2e-3, 200 / 1200, 0.05


class Twin(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.pad = config.pad_token_id
        self.embedding = nn.Embedding(config.vocab_size, WIDTH)
        self.transformer = nn.Transformer(WIDTH, HEADS, LAYERS, LAYERS, FEED_FORWARD, DROPOUT, batch_first=True,
                                          norm_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        nn.init.normal_(self.embedding.weight, std=WIDTH**-0.5)
        angles = torch.arange(512)[:, None] * torch.exp(torch.arange(0, WIDTH, 2) * (-math.log(1e4) / WIDTH))
        self.register_buffer("places", torch.cat([angles.sin(), angles.cos()], dim=1))

    def embed(self, ids):
        return self.dropout(self.embedding(ids) * math.sqrt(WIDTH) + self.places[:ids.shape[1]])

    def encode(self, source):
        return self.transformer.encoder(self.embed(source), src_key_padding_mask=source.eq(self.pad))

    def decode(self, memory, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return self.transformer.decoder(self.embed(target), memory, tgt_mask=mask, tgt_is_causal=True,
                                        memory_key_padding_mask=source.eq(self.pad))

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.weight)


def rate_at(done: float) -> float:
    """done: share of the budget that is spent."""
    if done < WARMUP_SHARE:
        return PEAK * max(done, 1e-3) / WARMUP_SHARE
    rest = min(1.0, (done - WARMUP_SHARE) / (1 - WARMUP_SHARE))
    return PEAK * (FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * rest)))


def train(model, options) -> int:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
                                  betas=(0.9, 0.98), fused=True)
    batches = pair_batches(options.run, options.bin)
    began, steps, shown = time.process_time(), 0, 0.0
    while (spent := time.process_time() - began) < options.seconds:
        batch = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(spent / options.seconds)
        source = batch["input_ids"]
        real = batch["labels"].ne(-100)
        hidden = model.decode(model.encode(source), source, batch["decoder_input_ids"])[real]
        loss = F.cross_entropy(model.logits(hidden), batch["labels"][real], label_smoothing=SMOOTHING)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        steps += 1
        if spent >= shown + 60:
            shown = spent
            print(f"{spent:.0f} s: update {steps}, loss {loss.item():.3f}", file=sys.stderr, flush=True)
    return steps


@torch.no_grad()
def translate(model, config, sources: list, longest: int = 100) -> list:
    """Greedily; sentences of like length go together."""
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    answers = [None] * len(sources)
    for first in range(0, len(order), 100):
        rows = order[first:first + 100]
        source = padded([sources[i] for i in rows], config.pad_token_id)
        memory = model.encode(source)
        target = torch.full((len(rows), 1), config.decoder_start_token_id)
        ended = torch.zeros(len(rows), dtype=torch.bool)
        while target.shape[1] < longest and not ended.all():
            best = model.logits(model.decode(memory, source, target)[:, -1]).argmax(-1)
            target = torch.cat([target, best.masked_fill(ended, config.pad_token_id)[:, None]], dim=1)
            ended |= best.eq(config.eos_token_id)
        for i, row in zip(rows, target[:, 1:].tolist()):
            answers[i] = row[:row.index(config.eos_token_id)] if config.eos_token_id in row else row
    return answers


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--run", type=pathlib.Path, default=pathlib.Path("runs/en-fr"))
    arguments.add_argument("--seconds", type=float, required=True, help="processor time to train for")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=1337)
    arguments.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    config = AutoConfig.from_pretrained(options.run)
    model = Twin(config)
    steps = train(model, options)
    model.eval()
    ids = translate(model, config, encoded(options.run, options.bin, "test.en"))
    text = tokenize("decode", options.run, options.bin, "".join(json.dumps(row) + "\n" for row in ids))
    answers, references = text.split("\n")[:-1], (ROOT / "data/en-fr/test.fr").read_text().split("\n")[:-1]
    assert len(answers) == len(references), "one line an answer"
    print(json.dumps({"parameters": sum(p.numel() for p in model.parameters()), "updates": steps,
                      "seconds": options.seconds, "bleu": sacrebleu.corpus_bleu(answers, [references]).score,
                      "chrf": sacrebleu.corpus_chrf(answers, [references]).score}))


if __name__ == "__main__":
    main()
