#!/usr/bin/env python3
"""CLIP and SigLIP across the border: our programs open what `transformers` saves, and it opens what they train; equal outputs.

    .venv-reference/bin/python tests/interop/clip_test.py build/release/bin
"""
import json
import random
import subprocess

import numpy
import sentencepiece
import torch
import transformers
from PIL import Image

import interop

TOLERANCE = 1e-4


def tower_sizes(rng: random.Random) -> dict:
    heads = rng.randint(1, 4)
    return dict(hidden_size=heads * rng.randint(2, 9), num_attention_heads=heads, num_hidden_layers=rng.randint(1, 3),
                intermediate_size=rng.randint(3, 40), hidden_act=rng.choice(["quick_gelu", "gelu", "gelu_new"]),
                layer_norm_eps=rng.choice([1e-5, 1e-2]))


def some_config(rng: random.Random, end: int | None = None) -> transformers.CLIPConfig:
    vocab = rng.randint(8, 60)
    end = end or rng.randint(3, vocab - 1)
    text = tower_sizes(rng) | dict(vocab_size=vocab, max_position_embeddings=rng.randint(9, 14), eos_token_id=end,
                                   bos_token_id=0, pad_token_id=1)
    vision = tower_sizes(rng) | dict(image_size=rng.randint(6, 15), patch_size=rng.randint(2, 6),
                                     num_channels=rng.choice([1, 3]))
    projection = rng.randint(2, 20)
    return transformers.CLIPConfig(text_config=text | {"projection_dim": projection},
                                   vision_config=vision | {"projection_dim": projection}, projection_dim=projection)


def some_texts(config, rng: random.Random) -> dict:
    """Four texts of which each has an end token, in the middle or last; one has two; some are padded."""
    length = rng.randint(3, 9)
    generator = torch.Generator().manual_seed(rng.randint(0, 1000))
    ids = torch.randint(0, config.vocab_size, (4, length), generator=generator)
    for row, place in enumerate([length - 1, length // 2, 1, 0]):
        ids[row, place] = config.eos_token_id
    ids[3, length - 1] = config.eos_token_id
    mask = torch.ones_like(ids)
    mask[1, length // 2 + 1:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def some_pixels(config, rng: random.Random, size=None) -> dict:
    height, width = size or [config.image_size] * 2
    generator = torch.Generator().manual_seed(rng.randint(0, 1000))
    return {"pixel_values": torch.randn((3, config.num_channels, height, width), generator=generator)}


def unit(embeds: torch.Tensor) -> torch.Tensor:
    return embeds / embeds.norm(dim=-1, keepdim=True)


class ClipTest(interop.InteropTest):
    def compare(self, ours: dict, expected: dict, mask=None):
        self.assertEqual(sorted(ours), sorted(expected))
        for name, tensor in expected.items():
            mine = ours[name]
            if mask is not None and ("attentions" in name and "vision" not in name):  # [B, H, T, S] -> [B, T, H, S]
                mine, tensor = mine.transpose(1, 2), tensor.transpose(1, 2)
            if mask is not None and tensor.dim() > 2 and tuple(tensor.shape[:2]) == tuple(mask.shape):
                mine, tensor = mine[mask.bool()], tensor[mask.bool()]
            self.assert_close(mine, tensor, TOLERANCE, name)

    def save(self, name: str, model, seed: int):
        interop.randomise(model, seed).eval().set_attn_implementation("eager")
        model.save_pretrained(self.work / name)
        return self.work / name

    def test_both_towers_in_random_shapes_with_either_rule_for_the_end(self):
        for round in range(6):
            rng = random.Random(round)
            config = some_config(rng, end=2 if round % 2 else None)
            with self.subTest(f"{round} {config}"):
                model = transformers.CLIPModel(config)
                folder = self.save(f"both-{round}", model, round)
                with torch.no_grad():
                    model.logit_scale.fill_(1.5)
                model.save_pretrained(folder)
                texts, pixels = some_texts(config.text_config, rng), some_pixels(config.vision_config, rng)
                with torch.no_grad():
                    theirs = model(**texts, **pixels, output_hidden_states=True, output_attentions=True)
                expected = {name: theirs[name] for name in
                            ("image_embeds", "text_embeds", "logits_per_image", "logits_per_text")}
                for tower, out in (("text", theirs.text_model_output), ("vision", theirs.vision_model_output)):
                    expected |= {f"{tower}_hidden_states.{n}": states for n, states in enumerate(out.hidden_states)}
                    expected |= {f"{tower}_attentions.{n}": weights for n, weights in enumerate(out.attentions)}
                ours = self.forward(folder, texts | pixels)
                self.compare(ours, expected, texts["attention_mask"])
                for inputs, tower in ((texts, "text"), (pixels, "vision")):
                    alone = self.forward(folder, inputs)
                    embeds = "text_embeds" if tower == "text" else "image_embeds"
                    self.compare(alone, {name: value for name, value in expected.items()
                                         if name.startswith(tower) or name == embeds}, texts["attention_mask"])

    def some_siglip(self, rng: random.Random) -> transformers.SiglipModel:
        text = tower_sizes(rng) | dict(vocab_size=rng.randint(8, 60), max_position_embeddings=rng.randint(9, 14))
        vision = tower_sizes(rng) | dict(patch_size=rng.randint(2, 6), num_channels=rng.choice([1, 3]))
        vision["image_size"] = vision["patch_size"] * rng.randint(1, 3) + rng.randint(0, 1)
        text["projection_size"] = vision["hidden_size"]
        return transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision))

    def test_siglip_in_random_shapes_and_dtypes(self):
        for round in range(6):
            rng = random.Random(20 + round)
            model = interop.randomise(self.some_siglip(rng), round).eval()
            with self.subTest(f"{round} {model.config}"):
                with torch.no_grad():
                    model.logit_scale.fill_(1.5)
                    model.logit_bias.fill_(-2.0)
                dtype = [torch.float32, torch.bfloat16, torch.float16][round % 3]
                folder = self.work / f"siglip-{round}"
                model.to(dtype).save_pretrained(folder, max_shard_size="4KB" if round > 2 else "1GB")
                self.assertEqual((folder / "model.safetensors.index.json").exists(), round > 2)
                model = transformers.SiglipModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
                generator = torch.Generator().manual_seed(round)
                length = rng.randint(3, 9)
                ids = torch.randint(0, model.config.text_config.vocab_size, (4, length), generator=generator)
                mask = torch.ones_like(ids)
                mask[1, 2:-1] = 0  # read at the last place, whatever stands there
                texts, pixels = {"input_ids": ids, "attention_mask": mask}, some_pixels(model.config.vision_config, rng)
                with torch.no_grad():
                    theirs = model(**texts, **pixels)
                    towers = {"text": model.text_model(**texts, output_hidden_states=True, output_attentions=True),
                              "vision": model.vision_model(**pixels, output_hidden_states=True, output_attentions=True)}
                expected = {name: theirs[name] for name in
                            ("image_embeds", "text_embeds", "logits_per_image", "logits_per_text")}
                for tower, out in towers.items():
                    expected |= {f"{tower}_hidden_states.{n}": states for n, states in enumerate(out.hidden_states)}
                    expected |= {f"{tower}_attentions.{n}": weights for n, weights in enumerate(out.attentions)}
                self.compare(self.forward(folder, texts | pixels), expected, mask)
                for size in ([24, 24], [9, 15]):
                    larger = some_pixels(model.config.vision_config, random.Random(4), size)
                    with torch.no_grad():
                        embeds = model.get_image_features(**larger, interpolate_pos_encoding=True).pooler_output
                    self.assert_close(self.forward(folder, larger)["image_embeds"], unit(embeds), TOLERANCE, str(size))

    def test_match_images_with_a_siglip(self):
        """A folder with its own tokenizer and picture processor: the probabilities of the pipeline."""
        text = self.work / "text.txt"
        text.write_text("a photo of a red cat.\na blue dog sat on the mat, here\nthis is a photo of the cats and dogs\n" * 30)
        sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=str(self.work / "spiece"), model_type="unigram",
                                                 vocab_size=33, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, num_threads=1, minloglevel=2)
        tokenizer = transformers.SiglipTokenizer(vocab_file=str(self.work / "spiece.model"), model_max_length=12)
        rng = random.Random(1)
        vision = tower_sizes(rng) | dict(image_size=16, patch_size=4)
        texts = tower_sizes(rng) | dict(vocab_size=33, max_position_embeddings=12, projection_size=vision["hidden_size"])
        model = interop.randomise(transformers.SiglipModel(transformers.SiglipConfig(text_config=texts, vision_config=vision)), 3).eval()
        folder = self.work / "siglip"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        processor = transformers.SiglipImageProcessorPil(size={"height": 16, "width": 16})
        processor.save_pretrained(folder)
        lines = ["A photo of a red CAT!", "the  blue, dog", "don't", "cats and dogs " * 9, "  \"Cats\"", "...", "" , "a \u2581 mat "]
        done = subprocess.run([self.binaries / "tokenize", "--tokenizer", folder, "encode", "--special"], capture_output=True,
                              text=True, input="".join(line + "\n" for line in lines))
        self.assertEqual(done.returncode, 0, done.stderr)
        for line, ids in zip(lines, done.stdout.splitlines(), strict=True):
            self.assertEqual(json.loads(ids), tokenizer(line)["input_ids"], line)
        picture = self.work / "a.png"
        Image.fromarray(numpy.random.default_rng(5).integers(0, 256, (20, 30, 3), dtype=numpy.uint8)).save(picture)
        names = lines[:4]
        with torch.no_grad():
            inputs = tokenizer(names, padding="max_length", truncation=True, max_length=12, return_tensors="pt")
            theirs = model(input_ids=inputs["input_ids"], **processor(Image.open(picture), return_tensors="pt")).logits_per_image
        ours = json.loads(self.run_program("match_images", "--model", folder, "--image", picture, "--json", "--templates", "{}",
                                           "--top", 9, "--threads", 1, *names))
        scores = {entry["match"]: entry["score"] for entry in ours["matches"]}
        for name, wanted in zip(names, theirs.sigmoid()[0].tolist(), strict=True):
            self.assertAlmostEqual(scores[name], wanted, places=4)

    def test_python_opens_a_siglip_that_we_trained(self):
        run = self.work / "siglip-run"
        self.run_program("train_clip", "--preset", "siglip-base16", "--objective", "siglip", "--task", "shapes", "--shapes", 64,
                         "--validation-shapes", 32, "--out", run, "--image-size", 16, "--image-patch-size", 4, "--image-layers", 2,
                         "--image-d-model", 24, "--image-heads", 3, "--text-layers", 2, "--text-d-model", 20, "--text-heads", 2,
                         "--text-context", 24, "--projection", 24, "--batch-size", 16, "--max-steps", 12, "--evaluate-every", 6,
                         "--warmup-steps", 0, "--threads", 1, "--device", "cpu")
        model, info = transformers.SiglipModel.from_pretrained(run, output_loading_info=True)
        self.assertFalse(any(info.values()), info)
        generator = torch.Generator().manual_seed(1)
        texts = {"input_ids": torch.randint(0, 9, (3, 24), generator=generator)}
        pixels = some_pixels(model.config.vision_config, random.Random(1))
        with torch.no_grad():
            theirs = model.eval()(**texts, **pixels)
        self.assert_close(self.forward(run, texts | pixels)["logits_per_image"], theirs.logits_per_image, TOLERANCE, "logits")

    def test_one_tower_with_its_projection(self):
        for round in range(4):
            rng = random.Random(10 + round)
            config = some_config(rng, end=2 if round % 2 else None)
            with self.subTest(f"{round} {config}"):
                text = transformers.CLIPTextModelWithProjection(config.text_config)
                folder, inputs = self.save(f"text-{round}", text, round), some_texts(config.text_config, rng)
                self.compare_tower(folder, text, inputs, "text_embeds", inputs["attention_mask"])
                vision = transformers.CLIPVisionModelWithProjection(config.vision_config)
                folder = self.save(f"vision-{round}", vision, round)
                self.compare_tower(folder, vision, some_pixels(config.vision_config, rng), "image_embeds")

    def compare_tower(self, folder, model, inputs, embeds, mask=None):
        with torch.no_grad():
            theirs = model(**inputs, output_hidden_states=True, output_attentions=True)
        expected = {embeds: theirs[embeds], "last_hidden_state": theirs.last_hidden_state}
        expected |= {f"hidden_states.{n}": states for n, states in enumerate(theirs.hidden_states)}
        expected |= {f"attentions.{n}": weights for n, weights in enumerate(theirs.attentions)}
        self.compare(self.forward(folder, inputs), expected, mask)

    def test_images_of_another_size(self):
        config = some_config(random.Random(3))
        config.vision_config.image_size, config.vision_config.patch_size = 12, 3
        model = transformers.CLIPModel(config)
        folder = self.save("sizes", model, 1)
        for size in ([24, 24], [9, 15], [3, 48]):
            pixels = some_pixels(config.vision_config, random.Random(4), size)
            with torch.no_grad():
                theirs = model.get_image_features(**pixels, interpolate_pos_encoding=True).pooler_output
            self.assert_close(self.forward(folder, pixels)["image_embeds"], unit(theirs), TOLERANCE, str(size))

    def test_python_opens_what_we_trained(self):
        for round, more in enumerate(([], ["--image-activation", "gelu", "--text-activation", "gelu"])):
            run = self.work / f"run-{round}"
            self.run_program("train_clip", "--task", "shapes", "--shapes", 64, "--validation-shapes", 32, "--out", run,
                             "--image-size", 16, "--image-patch-size", 4, "--image-layers", 2, "--image-d-model", 24,
                             "--image-heads", 3, "--text-layers", 2, "--text-d-model", 20, "--text-heads", 2,
                             "--projection", 12, "--batch-size", 16, "--max-steps", 12, "--evaluate-every", 6,
                             "--warmup-steps", 0, "--threads", 1, "--device", "cpu", *more)
            model, info = transformers.CLIPModel.from_pretrained(run, output_loading_info=True)
            self.assertFalse(any(info.values()), info)
            tokenizer = transformers.AutoTokenizer.from_pretrained(run)
            captions = ["a red circle", "the blue cross is here", "green"]
            ids = [tokenizer(caption, add_special_tokens=False)["input_ids"] for caption in captions]
            end = model.config.text_config.eos_token_id
            length = 1 + max(map(len, ids))
            texts = {"input_ids": torch.tensor([row + [end] * (length - len(row)) for row in ids])}
            pixels = some_pixels(model.config.vision_config, random.Random(1))
            with torch.no_grad():
                theirs = model.eval()(**texts, **pixels)
            ours = self.forward(run, texts | pixels)
            for name in ("image_embeds", "text_embeds", "logits_per_image", "logits_per_text"):
                self.assert_close(ours[name], theirs[name], TOLERANCE, name)
            self.check_program_sees_the_same(run, model, texts, captions)

    def check_program_sees_the_same(self, run, model, texts, captions):
        """match_images from the file to the probabilities."""
        picture = numpy.random.default_rng(3).integers(0, 256, (21, 30, 3), dtype=numpy.uint8)
        Image.fromarray(picture).save(self.work / "picture.png")
        out = self.run_program("match_images", "--model", run, "--image", self.work / "picture.png", *captions,
                               "--json", "--threads", 1, "--device", "cpu")
        ours = {entry["match"]: entry["score"] for entry in json.loads(out)["matches"]}
        processor = transformers.CLIPImageProcessorPil.from_pretrained(run)
        pixels = processor(Image.open(self.work / "picture.png"), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            theirs = model(**texts, pixel_values=pixels.float()).logits_per_image.softmax(-1)[0]
        for caption, probability in zip(captions, theirs, strict=True):
            self.assertAlmostEqual(ours[caption], probability.item(), places=4)


if __name__ == "__main__":
    interop.main()
