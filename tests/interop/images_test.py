#!/usr/bin/env python3
"""Pictures across the border: our preprocessing beside the image processors of `transformers` (those that use Pillow), on
files that Pillow wrote; and checkpoints both ways, from the picture to the probabilities.

    .venv-reference/bin/python tests/interop/images_test.py build/release/bin
"""
import json
import random
import struct

import numpy
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file
from transformers import (BitImageProcessorPil, CLIPImageProcessorPil, DeiTImageProcessorPil, SiglipImageProcessorPil,
                          ViTImageProcessorPil)

import interop

# Bytes of a picture differ by nothing; values by what a float rounds. One level of 255 is 0.004.
TOLERANCE = 1e-5


def some_picture(rng: random.Random, mode: str) -> Image.Image:
    """Smooth parts and noise, of any shape."""
    width, height = rng.choice([1, 2, 7, 31, 64, 150]), rng.choice([1, 3, 8, 30, 65, 120])
    noise = numpy.random.default_rng(rng.randrange(2**32))
    values = noise.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    values[:, : width // 2] = numpy.linspace(0, 255, height)[:, None, None]
    image = Image.fromarray(values)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(values[..., 0]))
        return image
    return image.quantize(32) if mode == "P" else image.convert(mode)


def some_processor(rng: random.Random, side: int):
    """One that ends in pictures of side x side."""
    square = {"height": side, "width": side}
    resample = rng.randint(0, 7)
    larger = side + rng.randint(0, 5)
    return rng.choice([
        ViTImageProcessorPil(size=square, resample=resample),
        ViTImageProcessorPil(size=square, resample=resample, do_normalize=False),
        ViTImageProcessorPil(size=square, image_mean=[0.1, 0.5, 0.9], image_std=[0.3, 0.2, 0.1]),
        DeiTImageProcessorPil(size={"height": larger, "width": side + 2}, crop_size=square, resample=resample),
        CLIPImageProcessorPil(size={"shortest_edge": larger}, crop_size=square, resample=resample),
        BitImageProcessorPil(size={"shortest_edge": larger}, crop_size=square, resample=resample),
        SiglipImageProcessorPil(size=square, resample=resample),
        CLIPImageProcessorPil(size={"shortest_edge": max(1, side - 3)}, crop_size=square),
    ])


def idx(sizes: list, content: bytes) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, 8, len(sizes), *sizes) + content


class ImagesTest(interop.InteropTest):
    def classify(self, model, files: list) -> tuple:
        """What classify_image says of each file, by label, and the pixels that it gave to the model."""
        out = self.run_program("classify_image", "--model", model, *files, "--json", "--top", 99, "--threads", 1,
                               "--pixel-values", self.work / "pixels.safetensors")
        scores = [{entry["label"]: entry["score"] for entry in json.loads(line)["labels"]} for line in out.splitlines()]
        return scores, load_file(self.work / "pixels.safetensors")["pixel_values"]

    def compare(self, folder, model, processor, files: list, mode: str):
        ours, pixels = self.classify(folder, files)
        images = [Image.open(file).convert(mode) for file in files]
        theirs = torch.cat([processor(image, return_tensors="pt")["pixel_values"] for image in images])
        self.assert_close(pixels, theirs.float(), TOLERANCE, f"pixel_values of {processor.to_json_string()}")
        with torch.no_grad():
            expected = model(theirs.float()).logits.softmax(-1)
        for scores, row in zip(ours, expected, strict=True):
            self.assertEqual(set(scores), set(model.config.id2label.values()))
            for label, score in scores.items():
                self.assertAlmostEqual(score, row[model.config.label2id[label]].item(), places=4)

    def test_pictures_become_the_same_values_and_the_same_labels(self):
        rng = random.Random(5)
        for case in range(24):
            side = rng.choice([8, 12, 21])
            config = transformers.ViTConfig(
                image_size=side, patch_size=rng.choice([3, 4]), hidden_size=12, num_attention_heads=2,
                num_hidden_layers=2, intermediate_size=16, id2label={k: f"class {k}" for k in range(4)},
                label2id={f"class {k}": k for k in range(4)})
            model = interop.randomise(transformers.ViTForImageClassification(config), case).eval()
            folder = self.work / f"model-{case}"
            model.save_pretrained(folder)
            processor = some_processor(rng, side)
            processor.save_pretrained(folder)
            files = []
            for mode in ("RGB", "L", "RGBA", "P"):
                files.append(self.work / f"{case}-{mode}.png")
                some_picture(rng, mode).save(files[-1])
            with self.subTest(case=case):
                self.compare(folder, model, processor, files, "RGB")

    def test_jpegs_differ_by_a_few_levels_at_most(self):
        config = transformers.ViTConfig(image_size=32, patch_size=8, hidden_size=12, num_attention_heads=2,
                                        num_hidden_layers=1, intermediate_size=16)
        transformers.ViTForImageClassification(config).save_pretrained(self.work / "model")
        processor = ViTImageProcessorPil(size={"height": 32, "width": 32})
        processor.save_pretrained(self.work / "model")
        y, x = numpy.mgrid[0:90, 0:120]
        smooth = numpy.stack([x * 2, y * 2, (x + y)], -1).astype(numpy.uint8)
        for options in ({"quality": 75}, {"quality": 95, "progressive": True}, {"quality": 90, "subsampling": 0}):
            Image.fromarray(smooth).save(self.work / "a.jpg", **options)
            _, pixels = self.classify(self.work / "model", [self.work / "a.jpg"])
            theirs = processor(Image.open(self.work / "a.jpg"), return_tensors="pt")["pixel_values"]
            level = 2 / 255  # mean and standard deviation are a half
            self.assertLess((pixels - theirs).abs().max().item(), 3 * level, str(options))

    def test_compressed_arrays_of_numpy_are_read(self):
        rng = numpy.random.default_rng(7)
        for case in range(12):
            count = int(rng.integers(20, 60))
            pixels = rng.integers(0, rng.integers(2, 257), (count, 8, 8)).astype(numpy.uint8)
            numpy.savez_compressed(self.work / "some.npz", x=pixels, y=numpy.arange(count) % 2)
            out = self.run_program("train_vit", "--data", self.work / "some.npz", "--image-size", 8, "--architecture", "linear",
                                   "--max-steps", 0, "--threads", 1, "--out", self.work / f"run-{case}")
            self.assertIn("NumPy arrays", out)

    def train_on_idx(self, out: str, *arguments):
        data = self.work / "data"
        data.mkdir(exist_ok=True)
        rng = numpy.random.default_rng(1)
        for part, count in (("train", 60), ("t10k", 21)):
            labels = numpy.arange(count, dtype=numpy.uint8) % 3
            pixels = (labels[:, None] * 70 + rng.integers(0, 60, (count, 64))).astype(numpy.uint8)
            (data / f"{part}-images-idx3-ubyte").write_bytes(idx([count, 8, 8], pixels.tobytes()))
            (data / f"{part}-labels-idx1-ubyte").write_bytes(idx([count], labels.tobytes()))
        self.run_program("train_vit", "--data", data, "--out", self.work / out, "--image-size", 8, "--layers", 2,
                         "--d-model", 16, "--heads", 2, "--batch-size", 16, "--max-steps", 12, "--evaluate-every", 6,
                         "--warmup-steps", 0, "--threads", 1, "--device", "cpu", *arguments)
        return self.work / out

    def test_python_opens_what_we_trained(self):
        for out, channels, mode in (("grey", 1, "L"), ("colour", 3, "RGB")):
            run = self.train_on_idx(out, "--channels", channels)
            model, info = transformers.ViTForImageClassification.from_pretrained(run, output_loading_info=True)
            self.assertFalse(any(info.values()), info)
            self.assertEqual(model.config.id2label, {0: "0", 1: "1", 2: "2"})
            processor = ViTImageProcessorPil.from_pretrained(run)
            self.assertEqual(len(processor.image_mean), channels)
            rng = random.Random(3)
            files = []
            for n in range(4):
                files.append(self.work / f"{out}-{n}.png")
                some_picture(rng, "RGB").save(files[-1])
            self.compare(run, model.eval(), processor, files, mode)

    def test_python_opens_a_trained_model_with_a_distillation_token(self):
        for kind in ("token", "head"):
            run = self.train_on_idx(f"deit-{kind}", "--channels", 3, "--distillation", kind)
            architecture = json.loads((run / "config.json").read_text())["architectures"][0]
            model, info = getattr(transformers, architecture).from_pretrained(run, output_loading_info=True)
            self.assertFalse(any(info.values()), info)
            files = [self.work / f"{kind}-{n}.png" for n in range(3)]
            for n, file in enumerate(files):
                some_picture(random.Random(n), "RGB").save(file)
            self.compare(run, model.eval(), DeiTImageProcessorPil.from_pretrained(run), files, "RGB")


if __name__ == "__main__":
    interop.main()
