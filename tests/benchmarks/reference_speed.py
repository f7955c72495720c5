#!/usr/bin/env python3
"""Trains one model with the zoo and with `transformers` in turn, and compares how long an update takes.

    scripts/build.sh && scripts/get_data.sh shakespeare && scripts/get_data.sh en-fr && scripts/bootstrap.sh --reference
    .venv-reference/bin/python tests/benchmarks/reference_speed.py bert
    .venv-reference/bin/python tests/benchmarks/reference_speed.py translation
    scripts/get_data.sh mnist && .venv-reference/bin/python tests/benchmarks/reference_speed.py vit

Both train the model of the zoo run's config.json with AdamW (fused) on batches of equal size. The reference sees sentence
pairs cut and padded by the zoo's rule; its own collator would pad more. It gets its pictures ready made, where the zoo
reads and crops them beside the update. Counted are real tokens, source and target, or pictures. Where timm is installed
(`pip install timm` in the reference environment), its ViT is timed as well.
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
from transformers import AutoConfig, AutoModelForImageClassification, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

try:
    from timm.models import VisionTransformer
except ImportError:
    VisionTransformer = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
BERT = ["--data", "data/shakespeare", "--vocab-size", "30000", "--layers", "4", "--d-model", "256", "--heads", "4",
        "--context", "128", "--batch-size", "16", "--attention", "flash"]
TRANSLATION = ["--config", "train/recipes/transformer-en-fr.toml", "--decode-pairs", "0"]
VIT = ["--config", "train/recipes/vit-mnist.toml", "--batch-size", "128", "--position", "learned", "--pooling", "class-token"]


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


def picture_batches(run: pathlib.Path, steps: int) -> list:
    config = AutoConfig.from_pretrained(run)
    shape = (128, config.num_channels, config.image_size, config.image_size)
    return [{"pixel_values": torch.randn(shape), "labels": torch.randint(0, 10, (128,))} for _ in range(steps)]


def counted(batch: dict) -> int:
    """Pictures, or real tokens."""
    if "pixel_values" in batch:
        return len(batch["labels"])
    total = int(batch["attention_mask"].sum())
    return total + int(batch["labels"].ne(-100).sum()) if "decoder_input_ids" in batch else total


# ---- The reference --------------------------------------------------------------------------------------------------
class Family:
    """What is trained: the zoo's program and arguments, Python's class, batches for both."""

    def __init__(self, program: str, arguments: list, model_class, batches, smoothing: float = 0.0):
        self.program, self.arguments, self.model_class = program, arguments, model_class
        self.batches, self.smoothing = batches, smoothing


FAMILIES = {
    "bert": Family("train_bert", BERT, AutoModelForMaskedLM, lambda run, options: bert_batches(run, options.steps)),
    "translation": Family("train_transformer", TRANSLATION, AutoModelForSeq2SeqLM,
                          lambda run, options: list(islice(pair_batches(run, options.bin), options.steps)), 0.1),
    "vit": Family("train_vit", VIT, AutoModelForImageClassification,
                  lambda run, options: picture_batches(run, options.steps)),
}


class TimmVit(torch.nn.Module):
    """timm's model of a `transformers` configuration, called as that is."""

    def __init__(self, config):
        super().__init__()
        self.vit = VisionTransformer(img_size=config.image_size, patch_size=config.patch_size,
                                     in_chans=config.num_channels, num_classes=config.num_labels,
                                     embed_dim=config.hidden_size, depth=config.num_hidden_layers,
                                     num_heads=config.num_attention_heads,
                                     mlp_ratio=config.intermediate_size / config.hidden_size)

    def forward(self, pixel_values):
        return argparse.Namespace(logits=self.vit(pixel_values))


def reference_run(model, batches: list, smoothing: float) -> float:
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    seconds = []
    for batch in batches:
        began = time.perf_counter()
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        logits = model(**inputs, use_cache=False).logits if "decoder_input_ids" in inputs else model(**inputs).logits
        loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), batch["labels"].flatten(), ignore_index=-100,
                               label_smoothing=smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[5:])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=list(FAMILIES))
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
    family = FAMILIES[options.family]
    with_timm = options.family == "vit" and VisionTransformer is not None
    seconds = {"zoo": [], "transformers": []} | ({"timm": []} if with_timm else {})
    batches = []
    print(f"{'run':<16} {'ms an update':>13} {'tokens or pictures/s':>21}")
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            run = pathlib.Path(folder) / "run"
            seconds["zoo"].append(zoo_run(family.program, family.arguments, options, run))
            batches = batches or family.batches(run, options)
            config = AutoConfig.from_pretrained(run)
        seconds["transformers"].append(
            reference_run(family.model_class.from_config(config), batches, family.smoothing))
        if with_timm:
            seconds["timm"].append(reference_run(TimmVit(config), batches, family.smoothing))
        mean = statistics.mean(map(counted, batches))
        for name, runs in seconds.items():
            print(f"{name + ' ' + str(repeat + 1):<16} {1000 * runs[-1]:>13.1f} {mean / runs[-1]:>21.0f}", flush=True)
    ratios = {name: statistics.median(runs) / statistics.median(seconds["zoo"]) for name, runs in seconds.items()}
    for name in list(seconds)[1:]:
        print(f"zoo / {name}, of the medians: {ratios[name]:.2f} times the speed")
    sys.exit(0 if min(list(ratios.values())[1:]) >= options.at_least else 1)


if __name__ == "__main__":
    main()
