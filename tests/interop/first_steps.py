"""First training steps of our programs beside those of a model of `transformers`, from the same weights on the same batches: the
losses, the first gradients, and every weight after the last update.

The twin's optimizer is torch's AdamW with the two groups of parameters that `transformers`' Trainer makes. What a run was told is
read from its run.toml. Three things are ours on purpose: a temperature does not decay; the warm-up's first update has the rate
1 / (N + 1), where the Trainer's has none; clipping divides by the gradient's length alone, where torch adds 1e-6 to it.
"""
import json
import math
import pathlib
import shutil
import tomllib

import torch
from safetensors.torch import load_file
from transformers import Trainer

import interop

STEPS = 10
# Enough decay to tell the groups apart: a weight in the wrong one is 2 % off at the end. So large an epsilon that a gradient which is
# nothing but rounding moves nothing. Clipping takes part at once, warm-up and cosine as well.
RECIPE = ["--max-steps", STEPS, "--schedule-steps", 15, "--warmup-steps", 3, "--learning-rate", 3e-3, "--weight-decay", 1.0, "--adam-epsilon", 1e-4,
          "--clip", 0.5, "--evaluate-every", 100, "--threads", 1, "--device", "cpu", "--seed", 7]


def rate_at(step: int, settings: dict) -> float:
    """`step` counts the updates already done."""
    warmup, length, last = settings["warmup-steps"], settings["schedule-steps"], settings["final-share"]
    if step < warmup:
        return settings["learning-rate"] * (step + 1) / (warmup + 1)
    done = (step - warmup) / (length - warmup)
    return settings["learning-rate"] * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done)))


def make_optimizer(model: torch.nn.Module, settings: dict) -> torch.optim.AdamW:
    decaying = set(Trainer.get_decay_parameter_names(None, model)) - {"logit_scale"}
    groups = [{"params": [p for name, p in model.named_parameters() if (name in decaying) == decays],
               "weight_decay": settings["weight-decay"] if decays else 0.0} for decays in (True, False)]
    return torch.optim.AdamW(groups, lr=0.0, betas=(settings["beta1"], settings["beta2"]), eps=settings["adam-epsilon"])


class FirstStepsTest(interop.InteropTest):
    def start_and_run(self, program: str, *arguments) -> tuple[pathlib.Path, pathlib.Path]:
        """The weights before the first update; a run of STEPS updates with its batches and first gradients beside it."""
        for name, more in (("start", ["--max-steps", 0]), ("run", ["--dump-gradients", self.work / "gradients.safetensors",
                                                                   "--dump-batches", self.work / "batches"])):
            self.run_program(program, *arguments, *self.last_wins(RECIPE + more), "--out", self.work / name)
        return self.work / "start/checkpoints/step-000000", self.work / "run"

    @staticmethod
    def last_wins(flags: list) -> list:
        pairs = dict(zip(flags[::2], flags[1::2]))
        return [part for pair in pairs.items() for part in pair]

    def assert_near(self, ours: torch.Tensor, theirs: torch.Tensor, tolerance: float, floor: float, what: str):
        """Within `tolerance` of the tensor's largest value, or of `floor` where that is larger."""
        self.assertEqual(ours.shape, theirs.shape, what)
        largest = max(theirs.abs().max().item(), floor)
        self.assertLessEqual((ours - theirs).abs().max().item(), tolerance * largest, f"{what}: the largest value is {largest}")

    def compare(self, program: str, arguments: list, kind, loss_of=None, frozen: str = None) -> None:
        """`kind`: the class of `transformers`; loss_of(model, batch): its loss, where it is not the model's own; `frozen`: part of the names
        of tables that the class counts among its parameters although they are computed."""
        start, run = self.start_and_run(program, *arguments)
        settings = tomllib.loads((run / "run.toml").read_text())
        model = self.load(kind, start).train()
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(frozen is None or frozen not in name)
        loss_of = loss_of or (lambda model, batch: model(**batch).loss)
        optimizer = make_optimizer(model, settings)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        ours = [line["loss"] for line in lines if line["split"] == "train"]
        batches = [load_file(path) for path in sorted((self.work / "batches").iterdir())]
        self.assertEqual((len(ours), len(batches)), (STEPS, STEPS))
        for step, batch in enumerate(batches):
            loss = loss_of(model, batch)
            loss.backward()
            if step == 0:
                self.compare_gradients(model, self.load(kind, self.gradients_as_weights(start)))
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, settings)
            optimizer.step()
            optimizer.zero_grad()
            self.assertAlmostEqual(ours[step], loss.item(), delta=1e-5 * max(1.0, abs(loss.item())), msg=f"loss of step {step + 1}")
        self.assertLess(min(ours[-3:]), ours[0], "nothing was learnt, so nothing was compared")
        self.compare_weights(model, self.load(kind, run / "last"))

    def load(self, kind, folder: pathlib.Path):
        """Names in a file may be older than those of the class: `transformers` knows both."""
        model, report = kind.from_pretrained(folder, output_loading_info=True)
        self.assertFalse(any(report.values()), report)
        return model

    def gradients_as_weights(self, start: pathlib.Path) -> pathlib.Path:
        folder = self.work / "gradients"
        folder.mkdir()
        shutil.copy(start / "config.json", folder)
        shutil.copy(self.work / "gradients.safetensors", folder / "model.safetensors")
        return folder

    def compare_gradients(self, model, dumped) -> None:
        ours = dict(dumped.named_parameters())
        theirs = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named_parameters() if p.requires_grad}
        largest = max(gradient.abs().max().item() for gradient in theirs.values())
        for name, gradient in theirs.items():
            self.assert_near(ours[name].detach(), gradient, 1e-5, 0.01 * largest, f"gradient of {name}")

    def compare_weights(self, model, trained) -> None:
        ours = dict(trained.named_parameters())
        for name, parameter in model.named_parameters():
            self.assert_near(ours[name].detach(), parameter.detach(), 1e-4, 1e-3, f"{name} after {STEPS} updates")
