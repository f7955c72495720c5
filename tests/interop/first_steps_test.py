#!/usr/bin/env python3
"""The first training steps of every family against PyTorch: from the same weights, on the same batches, the same losses, gradients and
weights; for GPT also the twin that its speed is measured against.

    .venv-reference/bin/python tests/interop/first_steps_test.py build/release/bin
"""
import json
import subprocess
import sys

import numpy
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F
from transformers.trainer_pt_utils import LabelSmoother

import interop
from first_steps import FirstStepsTest

sys.path.insert(0, str(interop.ROOT / "tests/benchmarks"))
import gpt_twin  # noqa: E402

STEPS, SEED, TOLERANCE = 10, 7, 1e-5
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # GPT-2 keeps these [in, out]
SHAPE = ["--layers", 2, "--d-model", 32, "--heads", 4]
NO_DROPOUT = ["--dropout", 0, "--attention-dropout", 0]


def next_token_loss(model, batch: dict) -> torch.Tensor:
    """The labels of a GPT's batch are moved already."""
    return F.cross_entropy(model(input_ids=batch["input_ids"]).logits.flatten(0, 1), batch["labels"].flatten())


def smoothed_loss(model, batch: dict) -> torch.Tensor:
    """As the Trainer smooths labels."""
    labels = batch.pop("labels")
    return LabelSmoother(epsilon=0.1)({"logits": model(**batch).logits}, labels)


def contrastive_loss(model, batch: dict) -> torch.Tensor:
    return model(**batch, return_loss=True).loss


def sigmoid_loss(model, batch: dict) -> torch.Tensor:
    """SigLIP's, on the logits of a CLIP: with its bias a model has no layout of `transformers`."""
    logits = model(**batch).logits_per_text
    return -F.logsigmoid((2 * torch.eye(len(logits)) - 1) * logits).sum(-1).mean()


class GptFirstSteps(FirstStepsTest):
    def text(self):
        path = self.work / "text.txt"
        path.write_text(interop.random_text(20000, 1))
        return path

    def train_gpt(self, kind, *arguments):
        self.compare("train_gpt", ["--data", self.text(), *SHAPE, "--context", 32, "--batch-size", 6, "--tokenizer", "character",
                                   "--init-std", 0.1, *arguments], kind, next_token_loss)

    def test_gpt2(self):
        self.train_gpt(transformers.GPT2LMHeadModel, "--activation", "gelu-tanh")

    def test_llama(self):
        self.train_gpt(transformers.LlamaForCausalLM, "--norm", "rms", "--activation", "swiglu", "--position", "rotary", "--kv-heads", 2,
                       "--attention-bias=false", "--feed-forward-bias=false", "--tie-embeddings=false")

    def test_batches_go_to_a_folder_of_their_own(self):
        folder = self.work / "batches"
        folder.mkdir()
        (folder / "mine").write_text("")
        command = [self.binaries / "train_gpt", "--data", self.text(), "--max-steps", "1", "--out", self.work / "run", "--dump-batches", folder]
        done = subprocess.run(list(map(str, command)), cwd=interop.ROOT, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        self.assertIn("--dump-batches", done.stderr)
        self.assertFalse((self.work / "run").exists())

    def load_twin(self, checkpoint, vocab: int, recipe) -> gpt_twin.Twin:
        twin = gpt_twin.Twin(vocab, recipe)
        weights = load_file(checkpoint / "model.safetensors")
        names = dict(twin.named_parameters())
        for name, tensor in weights.items():
            if name not in names:  # the layout has biases, the recipe has none
                self.assertTrue(name.endswith(".bias") and not tensor.any(), name)
        twin.load_state_dict({name: self.as_twin(name, weights[name]) for name in names})
        return twin

    @staticmethod
    def as_twin(name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.T.contiguous() if name.endswith(TRANSPOSED) else tensor

    def test_the_twin_whose_speed_is_compared(self):
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
        generator = torch.Generator().manual_seed(SEED)  # draws the same windows as the program
        batches = [gpt_twin.random_windows(tokens, recipe, generator) for _ in range(STEPS)]

        twin(*batches[0]).backward()
        dumped = load_file(gradients)
        for name, parameter in twin.named_parameters():
            self.assert_close(self.as_twin(name, dumped[name]), parameter.grad, TOLERANCE, f"gradient of {name}")
        optimizer.zero_grad()

        for step, (ids, targets) in enumerate(batches):
            loss = gpt_twin.train_step(twin, optimizer, ids, targets, gpt_twin.rate_at(step, recipe), recipe)
            self.assertAlmostEqual(ours[step], loss, delta=TOLERANCE, msg=f"loss of step {step + 1}")
        self.assertLess(loss, ours[0] - 0.05, "nothing was learnt, so nothing was compared")


class BertFirstSteps(FirstStepsTest):
    def train_bert(self, kind, *arguments):
        text = self.work / "text.txt"
        text.write_text(interop.random_text(20000, 1))
        self.compare("train_bert", ["--data", text, *SHAPE, *NO_DROPOUT, "--context", 24, "--vocab-size", 150, "--batch-size", 8,
                                    "--init-std", 0.1, *arguments], kind)

    def test_masked_words_and_the_next_sentence(self):
        self.train_bert(transformers.BertForPreTraining, "--objective", "masked-lm-nsp")

    def test_roberta(self):
        self.train_bert(transformers.RobertaForMaskedLM, "--family", "roberta")

    def test_albert_and_the_order_of_sentences(self):
        self.train_bert(transformers.AlbertForPreTraining, "--family", "albert", "--objective", "masked-lm-sop", "--embedding-width", 16,
                        "--shared-blocks", 1)

    def test_a_generator_of_electra(self):
        self.train_bert(transformers.ElectraForMaskedLM, "--family", "electra", "--embedding-width", 16)

    def test_classes_of_texts(self):
        data = self.work / "texts.tsv"
        words = (["rose", "lily", "daisy", "tulip"], ["iron", "gold", "tin", "zinc"])
        data.write_text("".join(f"{('plant', 'metal')[n % 2]}\t{' '.join(words[n % 2][(n * k) % 4] for k in range(1, 3 + n % 5))}\n"
                                for n in range(100)))
        self.compare("train_bert", ["--objective", "classify-text", "--data", data, *SHAPE, *NO_DROPOUT, "--context", 24, "--vocab-size", 150,
                                    "--batch-size", 8, "--init-std", 0.1], transformers.BertForSequenceClassification)


class EncoderDecoderFirstSteps(FirstStepsTest):
    """Rows of different lengths, smoothed labels, one table for source, target and output; sinusoids stay what they are."""

    def train_transformer(self, kind, *arguments):
        self.compare("train_transformer", ["--task", "reverse", "--task-min-length", 2, "--task-length", 14, "--task-examples", 400,
                                           "--task-validation", 8, "--decode-pairs", 0, "--encoder-layers", 2, "--decoder-layers", 2, "--d-model", 32,
                                           "--heads", 4, "--context", 32, "--batch-tokens", 200, "--label-smoothing", 0.1, *NO_DROPOUT, *arguments],
                     kind, smoothed_loss, frozen="embed_positions")

    def test_norms_behind(self):
        self.train_transformer(transformers.MarianMTModel)

    def test_norms_before(self):
        self.train_transformer(transformers.PegasusForConditionalGeneration, "--norm-place", "pre")


class VitFirstSteps(FirstStepsTest):
    def train_vit(self, *arguments):
        rng = numpy.random.default_rng(1)
        labels = numpy.arange(60) % 3
        pixels = rng.integers(0, 100, (60, 8, 12, 3)) + 70 * labels[:, None, None, None]
        numpy.savez(self.work / "pictures.npz", x=pixels.astype(numpy.uint8), y=labels)
        self.compare("train_vit", ["--data", self.work / "pictures.npz", "--image-size", 8, "--image-width", 12, "--channels", 3, "--patch-size", 4,
                                   *SHAPE, "--batch-size", 8, "--init-std", 0.1, *arguments], transformers.ViTForImageClassification)

    def test_vit(self):
        self.train_vit()


class ClipFirstSteps(FirstStepsTest):
    def train_clip(self, loss_of, *arguments):
        """Every picture has a caption of its own, so that one text of a batch is right."""
        rng = numpy.random.default_rng(2)
        lines = []
        for n in range(24):
            Image.fromarray(rng.integers(0, 256, (16, 16, 3)).astype(numpy.uint8)).save(self.work / f"{n}.png")
            lines.append(f"{n}.png\tpicture {'abcdefgh'[n % 8]} of {'xyz'[n // 8]}{' again' * (n % 3)}\n")
        (self.work / "pairs.tsv").write_text("".join(lines))
        towers = [part for tower in ("image", "text") for part in (f"--{tower}-layers", 2, f"--{tower}-d-model", 32, f"--{tower}-heads", 4)]
        self.compare("train_clip", ["--data", self.work / "pairs.tsv", "--validation-data", self.work / "pairs.tsv", "--tokenizer", "character",
                                    "--image-size", 16, "--image-patch-size", 4, "--projection", 16, "--batch-size", 8, *towers, *arguments],
                     transformers.CLIPModel, loss_of)

    def test_clip(self):
        self.train_clip(contrastive_loss)

    def test_the_loss_of_siglip(self):
        self.train_clip(sigmoid_loss, "--loss", "siglip", "--has-logit-bias=false")


if __name__ == "__main__":
    interop.main()
