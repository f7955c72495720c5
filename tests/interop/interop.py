"""What the comparisons with Python share: our programs as functions, closeness, a text to train on."""
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import torch
from safetensors.torch import load_file, save_file
from transformers.utils import logging

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = ROOT / "train/recipes/gpt-shakespeare-cpu.toml"


def main() -> None:
    """Runs the tests of the calling file: its first argument is the folder of the programs."""
    InteropTest.binaries = pathlib.Path(sys.argv.pop(1)).resolve()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    unittest.main()


def random_text(length: int, seed: int) -> str:
    """Words that come back, so that there is something to learn; 30 different characters."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(1, 8))) for _ in range(200)]
    words += ["zebra", "quiz", "fjord", "vow", "milk", "tax", "hug", "cyber", "plank"]
    text = ""
    while len(text) < length:
        text += rng.choice(words) + rng.choice([" ", " ", " ", ", ", ".\n"])
    return text[:length]


def randomise(model, seed: int, fixed: tuple = ()):
    """Fresh models have zero biases and norms of one: a reader that ignores them would go unnoticed. `fixed`: parts of
    the names of tensors that the model computes itself."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point() or any(part in name for part in fixed):
            continue
        is_norm = tensor.dim() == 1 and name.endswith("weight")
        noise = 0.2 * torch.randn(tensor.shape, generator=generator)
        with torch.no_grad():
            tensor.copy_(1 + noise if is_norm else noise)
    model.tie_weights()
    return model


class InteropTest(unittest.TestCase):
    binaries: pathlib.Path

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def run_program(self, name: str, *arguments) -> str:
        command = [str(self.binaries / name), *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}\n{done.stderr[-2000:]}")
        return done.stdout

    def forward(self, model, inputs: dict) -> dict:
        """Our program `forward` on tensors, with all that it can give out."""
        save_file(inputs, self.work / "in.safetensors")
        self.run_program("forward", "--model", model, "--inputs", self.work / "in.safetensors", "--threads", 1,
                         "--outputs", self.work / "out.safetensors", "--hidden-states", "--attentions")
        return load_file(self.work / "out.safetensors")

    def train(self, name: str, *arguments) -> pathlib.Path:
        """A run of train_gpt on random text with the classroom recipe; later arguments win."""
        text = self.work / "text.txt"
        if not text.exists():
            text.write_text(random_text(20000, 1))
        self.run_program("train_gpt", "--config", RECIPE, "--data", text, "--out", self.work / name,
                         "--threads", 1, "--device", "cpu", *arguments)
        return self.work / name

    def assert_close(self, ours: torch.Tensor, theirs: torch.Tensor, tolerance: float, what: str):
        """Largest difference within `tolerance` of the largest value."""
        self.assertEqual(ours.shape, theirs.shape, what)
        difference = (ours.double() - theirs.double()).abs().max().item()
        largest = theirs.double().abs().max().item()
        self.assertLessEqual(difference, tolerance * largest, f"{what}: the largest value is {largest}")
