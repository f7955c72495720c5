#!/usr/bin/env python3
"""The first training steps against PyTorch: from the same weights, on the same batches, the same losses and gradients.

    .venv-reference/bin/python tests/interop/first_steps_test.py build/release/bin

Both sides draw the places of their windows with torch.randint from a CPU generator of the same seed.
"""
import json
import sys

import torch
from safetensors.torch import load_file

import interop

sys.path.insert(0, str(interop.ROOT / "tests/benchmarks"))
import gpt_twin  # noqa: E402

STEPS, SEED, TOLERANCE = 10, 7, 1e-5
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # GPT-2 keeps these [in, out]


def as_twin(name: str, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.T.contiguous() if name.endswith(TRANSPOSED) else tensor


class FirstStepsTest(interop.InteropTest):
    def load_twin(self, checkpoint, vocab: int, recipe) -> gpt_twin.Twin:
        twin = gpt_twin.Twin(vocab, recipe)
        weights = load_file(checkpoint / "model.safetensors")
        names = dict(twin.named_parameters())
        for name, tensor in weights.items():
            if name not in names:  # the layout has biases, the recipe has none
                self.assertTrue(name.endswith(".bias") and not tensor.any(), name)
        twin.load_state_dict({name: as_twin(name, weights[name]) for name in names})
        return twin

    def test_losses_and_first_gradients_agree_with_pytorch(self):
        recipe = gpt_twin.Recipe()
        start = self.train("start", "--max-steps", 0, "--seed", SEED)
        gradients = self.work / "gradients.safetensors"
        run = self.train("run", "--max-steps", STEPS, "--seed", SEED, "--dump-gradients", gradients)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        ours = [line["loss"] for line in lines if line["split"] == "train"]
        self.assertEqual(len(ours), STEPS)

        tokens, _, vocab = gpt_twin.load_text(self.work / "text.txt")
        twin = self.load_twin(start / "checkpoints/step-000000", vocab, recipe)
        optimizer = gpt_twin.make_optimizer(twin, recipe)
        generator = torch.Generator().manual_seed(SEED)
        batches = [gpt_twin.random_windows(tokens, recipe, generator) for _ in range(STEPS)]

        twin(*batches[0]).backward()
        dumped = load_file(gradients)
        for name, parameter in twin.named_parameters():
            self.assert_close(as_twin(name, dumped[name]), parameter.grad, TOLERANCE, f"gradient of {name}")
        optimizer.zero_grad()

        for step, (ids, targets) in enumerate(batches):
            loss = gpt_twin.train_step(twin, optimizer, ids, targets, gpt_twin.rate_at(step, recipe), recipe)
            self.assertAlmostEqual(ours[step], loss, delta=TOLERANCE, msg=f"loss of step {step + 1}")
        self.assertLess(loss, ours[0] - 0.05, "nothing was learnt, so nothing was compared")


if __name__ == "__main__":
    interop.main()
