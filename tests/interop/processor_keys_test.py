#!/usr/bin/env python3
"""preprocessor_config.json and processor_config.json, key by key: two folders that differ in one key, beside the processor
that transformers' AutoImageProcessor makes of each. The table in models/pretrained/README.md says the same in words.

    .venv-reference/bin/python tests/interop/processor_keys_test.py build/release/bin
"""
import json
import pathlib
import random
import shutil
import subprocess

import numpy
import transformers
from PIL import Image
from safetensors.torch import load_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoImageProcessor, AutoProcessor
from transformers.image_utils import load_image

import interop

# What a float rounds; one level of 255 is 0.004 or more.
TOLERANCE = 1e-5

VIT = {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}}
DEIT = {"image_processor_type": "DeiTImageProcessor", "size": {"height": 10, "width": 10}, "crop_size": {"height": 8, "width": 8}}
CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 8}, "crop_size": {"height": 8, "width": 8}}
BIT = CLIP | {"image_processor_type": "BitImageProcessor"}
SIGLIP = VIT | {"image_processor_type": "SiglipImageProcessor"}
BARE = VIT | {"do_resize": False}

CHANGES, NOTHING, REFUSED = "changes the values", "changes nothing", "is refused"
#: what the folder holds, the change, what comes of it (refused: by both)
ROWS = [
    (VIT, {"do_resize": False}, CHANGES), (VIT, {"do_resize": None}, CHANGES), (VIT, {"do_resize": True}, NOTHING),
    (VIT, {"size": {"height": 6, "width": 9}}, CHANGES), (VIT, {"size": 5}, CHANGES), (VIT, {"size": [7, 9]}, CHANGES),
    (VIT, {"size": {"shortest_edge": 6}}, CHANGES), (VIT, {"size": {"shortest_edge": 6, "longest_edge": 8}}, CHANGES),
    (VIT, {"size": {"shortest_edge": 6, "longest_edge": None}}, CHANGES), (VIT, {"size": {"max_height": 9, "max_width": 7}}, CHANGES),
    (VIT, {"size": {"longest_edge": 8}}, REFUSED), (VIT, {"size": {"min_pixels": 4, "max_pixels": 99}}, REFUSED),
    (VIT, {"size": {"height": 8}}, REFUSED), (VIT, {"size": None}, REFUSED),
    (VIT, {"size": {"height": 8, "width": 8, "shortest_edge": 8}}, REFUSED), (VIT | {"size": 6}, {"default_to_square": False}, CHANGES),
    (CLIP, {"size": 9}, CHANGES), (CLIP | {"size": 9}, {"default_to_square": True}, CHANGES), (CLIP, {"size": {"height": 9, "width": 5}}, CHANGES),
    (CLIP | {"do_center_crop": False}, {"use_square_size": True}, CHANGES), (VIT, {"use_square_size": True}, NOTHING),
    *[(VIT, {"resample": number}, CHANGES) for number in (0, 1, 3, 4, 5, 6, 7)], (VIT, {"resample": 2}, NOTHING), (VIT, {"resample": None}, REFUSED),
    (VIT, {"resample": 8}, REFUSED), (CLIP, {"resample": 0}, CHANGES), (DEIT, {"resample": 2}, CHANGES),
    (BIT, {"size": 9}, CHANGES), (BIT, {"do_center_crop": False}, CHANGES), (BIT, {"resample": 3}, NOTHING),
    (SIGLIP, {"size": 9}, CHANGES), (SIGLIP, {"resample": 3}, NOTHING), (SIGLIP, {"do_normalize": False}, CHANGES),
    (VIT, {"do_center_crop": True}, REFUSED), (VIT, {"crop_size": 6}, NOTHING), (VIT | {"crop_size": 6}, {"do_center_crop": True}, CHANGES),
    (DEIT, {"do_center_crop": False}, CHANGES), (DEIT, {"do_center_crop": None}, CHANGES), (DEIT, {"crop_size": 7}, CHANGES),
    (DEIT, {"crop_size": [6, 9]}, CHANGES), (DEIT, {"crop_size": {"height": 12, "width": 9}}, CHANGES), (DEIT, {"crop_size": {"shortest_edge": 8}}, REFUSED),
    (DEIT, {"crop_size": None}, REFUSED),
    (VIT, {"do_rescale": False}, CHANGES), (VIT, {"do_rescale": None}, CHANGES), (VIT, {"rescale_factor": 0.01}, CHANGES), (VIT, {"rescale_factor": 1}, CHANGES),
    (VIT, {"rescale_factor": None}, REFUSED), (VIT | {"do_rescale": False}, {"rescale_factor": 0.01}, NOTHING),
    (VIT, {"do_normalize": False}, CHANGES), (VIT, {"do_normalize": None}, CHANGES),
    (VIT, {"image_mean": [0.1, 0.2, 0.3]}, CHANGES), (VIT, {"image_mean": 0.25}, CHANGES), (VIT, {"image_std": [0.1, 0.2, 0.3]}, CHANGES),
    (VIT, {"image_std": 0.25}, CHANGES), (VIT, {"image_mean": None}, REFUSED), (VIT | {"do_normalize": False}, {"image_mean": [0.1, 0.2, 0.3]}, NOTHING),
    (VIT, {"image_mean": [0.5, 0.5]}, REFUSED),
    (VIT, {"do_pad": True}, NOTHING), (VIT, {"pad_size": 9}, NOTHING), (VIT | {"pad_size": {"height": 9, "width": 11}}, {"do_pad": True}, CHANGES),
    (VIT | {"pad_size": 4}, {"do_pad": True}, REFUSED), (BARE | {"pad_size": [14, 20]}, {"do_pad": True}, CHANGES),
    (VIT, {"do_convert_rgb": True}, NOTHING), (CLIP, {"do_convert_rgb": False}, NOTHING), (CLIP, {"do_convert_rgb": None}, NOTHING),
    (VIT, {"image_processor_type": "ViTImageProcessorFast"}, NOTHING), (VIT, {"image_processor_type": "ViTImageProcessorPil"}, NOTHING),
    (VIT, {"image_processor_type": "CLIPImageProcessor", "crop_size": 8}, CHANGES), (VIT, {"image_processor_type": None}, NOTHING),
    (VIT, {"image_processor_type": None, "feature_extractor_type": "CLIPFeatureExtractor", "crop_size": 8}, CHANGES),
    (VIT, {"feature_extractor_type": "CLIPFeatureExtractor"}, NOTHING), (VIT, {"image_processor_type": "NoImageProcessor"}, REFUSED),
    *[(VIT, {key: value}, NOTHING) for key, value in [
        ("data_format", "channels_last"), ("input_data_format", "channels_last"), ("return_tensors", "np"), ("device", "cuda"),
        ("disable_grouping", True), ("image_seq_length", 4), ("processor_class", "CLIPProcessor"), ("size_divisor", 32), ("max_size", 6),
        ("reducing_gap", 2), ("do_reduce_labels", True), ("something", [1])]],
]


class ProcessorKeysTest(interop.InteropTest):
    def setUp(self):
        super().setUp()
        values = numpy.random.default_rng(5).integers(0, 256, (13, 17, 3), dtype=numpy.uint8)
        values[:, :5] = (250, 20, 90)
        self.picture = self.work / "a.png"
        Image.fromarray(values).save(self.picture)

    def model_of(self, height: int, width: int, kind: str = "vit") -> pathlib.Path:
        """A classifier that reads pictures of this size, without a word on how they are made."""
        folder = self.work / f"{kind}-{height}-{width}"
        if not folder.exists():
            name = {"vit": "ViT", "deit": "DeiT"}[kind]
            config = getattr(transformers, name + "Config")(image_size=(height, width), patch_size=1, hidden_size=4, num_hidden_layers=1,
                                                            num_attention_heads=1, intermediate_size=4)
            getattr(transformers, name + "ForImageClassification")(config).save_pretrained(folder)
        return folder

    def theirs(self, files: dict, kind: str = "vit"):
        """The values of AutoImageProcessor for a folder with these files; nothing where it refuses."""
        folder = self.work / "theirs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(self.model_of(8, 8, kind) / "config.json", folder)
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        try:
            processor = AutoImageProcessor.from_pretrained(folder)
            return processor(load_image(str(self.picture)), return_tensors="pt")["pixel_values"].float()
        except Exception:
            return None

    def ours(self, files: dict, shape, kind: str = "vit"):
        """What a classifier of pictures of this shape is given; the message where it is refused."""
        folder = self.model_of(*shape, kind)
        for name in ("preprocessor_config.json", "processor_config.json"):
            (folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        done = subprocess.run([self.binaries / "classify_image", "--model", folder, self.picture, "--threads", "1",
                               "--pixel-values", self.work / "pixels.safetensors"], capture_output=True, text=True)
        if done.returncode == 0:
            return load_file(self.work / "pixels.safetensors")["pixel_values"]
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        return done.stderr

    def compare(self, files: dict, what: str, kind: str = "vit"):
        expected = self.theirs(files, kind)
        self.assertIsNotNone(expected, what)
        found = self.ours(files, expected.shape[2:], kind)
        self.assertNotIsInstance(found, str, f"{what}: {found}")
        self.assert_close(found, expected, TOLERANCE, what)
        return expected

    def test_every_key(self):
        before = {}
        for base, change, outcome in ROWS:
            what = f"{change} in {base}"
            plain, changed = {"preprocessor_config.json": base}, {"preprocessor_config.json": base | change}
            with self.subTest(what):
                if outcome == REFUSED:
                    self.assertIsNone(self.theirs(changed), what)
                    message = self.ours(changed, (8, 8))
                    self.assertIsInstance(message, str, what)
                    self.assertIn("config.json", message)
                    continue
                name = json.dumps(base)
                if name not in before:
                    before[name] = self.compare(plain, name)
                after = self.compare(changed, what)
                same = before[name].shape == after.shape and bool((before[name] == after).all())
                self.assertEqual(same, outcome == NOTHING, what)

    def test_which_file_and_which_processor_counts(self):
        plain = {"size": 8, "crop_size": 8}
        for files in (
            {"preprocessor_config.json": CLIP}, {"processor_config.json": {"image_processor": CLIP}},
            {"processor_config.json": {"image_processor": CLIP}, "preprocessor_config.json": VIT},
            {"processor_config.json": {"processor_class": "CLIPProcessor"}, "preprocessor_config.json": VIT},
            {"processor_config.json": {"image_processor": None}, "preprocessor_config.json": CLIP},
        ):
            self.compare(files, str(files))
        for kind in ("vit", "deit"):  # where no processor is named, the model's counts
            self.compare({"preprocessor_config.json": plain}, kind, kind)
            self.compare({"processor_config.json": {"image_processor": plain}}, kind, kind)
        for files in ({}, {"processor_config.json": {"processor_class": "CLIPProcessor"}}, {"processor_config.json": []}):
            self.assertIsNone(self.theirs(files), files)
            self.assertIsInstance(self.ours(files, (8, 8)), str, files)

    def test_a_clip_folder_without_names_is_read_as_clips(self):
        """Through CLIPProcessor to the scores of match_images."""
        rng = random.Random(3)
        sizes = dict(hidden_size=8, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8)
        config = transformers.CLIPConfig(projection_dim=6, vision_config=sizes | dict(image_size=8, patch_size=4, projection_dim=6),
                                         text_config=sizes | dict(vocab_size=600, max_position_embeddings=16, projection_dim=6,
                                                                  bos_token_id=512, eos_token_id=513, pad_token_id=513))
        model = interop.randomise(transformers.CLIPModel(config), rng.randrange(100)).eval()
        folder = self.work / "clip"
        model.save_pretrained(folder)
        letters = sorted(ByteLevel.alphabet())
        vocabulary = {piece: n for n, piece in enumerate(letters + [letter + "</w>" for letter in letters] + ["<|startoftext|>", "<|endoftext|>"])}
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        (folder / "merges.txt").write_text("#version: 0.2\n")
        plain = {key: value for key, value in CLIP.items() if key != "image_processor_type"}
        (folder / "preprocessor_config.json").write_text(json.dumps(plain))
        texts = ["a cat", "two dogs", "rain"]

        def check(what: str):
            inputs = AutoProcessor.from_pretrained(folder)(text=texts, images=load_image(str(self.picture)), return_tensors="pt", padding=True)
            expected = model(**inputs).logits_per_image.softmax(-1)[0]
            line = self.run_program("match_images", "--model", folder, "--image", self.picture, "--json", "--threads", 1, *texts)
            scores = {entry["match"]: entry["score"] for entry in json.loads(line)["matches"]}
            for text, score in zip(texts, expected, strict=True):
                self.assertAlmostEqual(scores[text], score.item(), places=4, msg=what)
            return scores

        first = check("preprocessor_config.json")
        AutoProcessor.from_pretrained(folder).save_pretrained(folder)
        self.assertTrue((folder / "processor_config.json").exists())
        (folder / "preprocessor_config.json").unlink()
        self.assertEqual(check("processor_config.json"), first)


if __name__ == "__main__":
    interop.main()
