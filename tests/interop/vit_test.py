#!/usr/bin/env python3
"""ViT, DeiT and DINOv2 across the border: our programs open what `transformers` saves; equal outputs.

    .venv-reference/bin/python tests/interop/vit_test.py build/release/bin
"""
import random

import torch
import transformers

import interop

TOLERANCE = 1e-4
ARCHITECTURES = ["ViTModel", "ViTForImageClassification", "DeiTModel", "DeiTForImageClassification",
                 "DeiTForImageClassificationWithTeacher", "Dinov2Model", "Dinov2ForImageClassification"]


def side_or_sides(rng: random.Random, low: int, high: int):
    return rng.randint(low, high) if rng.random() < 0.5 else [rng.randint(low, high), rng.randint(low, high)]


def some_config(architecture: str, rng: random.Random, **changes):
    heads = rng.randint(1, 4)
    sizes = dict(hidden_size=heads * rng.randint(2, 9), num_attention_heads=heads, num_hidden_layers=rng.randint(1, 4),
                 intermediate_size=rng.randint(3, 40), image_size=side_or_sides(rng, 6, 17),
                 patch_size=side_or_sides(rng, 2, 6), num_channels=rng.choice([1, 3, 4]),
                 hidden_act=rng.choice(["gelu", "gelu_new", "relu", "quick_gelu"]), qkv_bias=rng.random() < 0.7,
                 layer_norm_eps=rng.choice([1e-12, 1e-5, 1e-2]))
    if "Classification" in architecture:
        sizes["num_labels"] = rng.randint(1, 5)
    if architecture.startswith("Dinov2"):
        # Square grids: of others the reference makes nothing.
        patch, rows = sizes["patch_size"], rng.randint(1, 4)
        sizes["image_size"] = patch * rows + 1 if isinstance(patch, int) else [side * rows for side in patch]
        sizes |= dict(mlp_ratio=rng.randint(1, 5), use_swiglu_ffn=rng.random() < 0.5, use_mask_token=rng.random() < 0.7)
        del sizes["intermediate_size"]
    family = next(family for family in ("DeiT", "Dinov2", "ViT") if architecture.startswith(family))
    return getattr(transformers, family + "Config")(**sizes | changes)


def some_pixels(config, rng: random.Random, size=None) -> dict:
    height, width = size or (config.image_size if isinstance(config.image_size, (list, tuple)) else [config.image_size] * 2)
    generator = torch.Generator().manual_seed(rng.randint(0, 1000))
    return {"pixel_values": torch.randn((3, config.num_channels, height, width), generator=generator)}


class VitTest(interop.InteropTest):
    def compare(self, folder, model, inputs: dict, **more):
        """Everything both sides can say about the images."""
        model.eval().set_attn_implementation("eager")
        with torch.no_grad():
            theirs = model(**inputs, output_hidden_states=True, output_attentions=True, **more)
        expected = {name: value for name, value in theirs.items() if isinstance(value, torch.Tensor)}
        norm = model.get_submodule("layernorm" if hasattr(model, "layernorm") else model.base_model_prefix + ".layernorm")
        with torch.no_grad():
            expected["last_hidden_state"] = norm(theirs.hidden_states[-1])
        expected |= {f"hidden_states.{n}": states for n, states in enumerate(theirs.hidden_states)}
        expected |= {f"attentions.{n}": weights for n, weights in enumerate(theirs.attentions)}
        ours = self.forward(folder, inputs)
        self.assertEqual(sorted(ours), sorted(expected))
        for name, tensor in expected.items():
            self.assert_close(ours[name], tensor, TOLERANCE, f"{folder.name}: {name}")

    def test_we_open_every_architecture_in_random_shapes(self):
        for number, name in enumerate(ARCHITECTURES):
            for round in range(4):
                rng = random.Random(100 * number + round)
                config = some_config(name, rng)
                with self.subTest(f"{name} {config}"):
                    model = interop.randomise(getattr(transformers, name)(config), number)
                    folder = self.work / f"{name}-{round}"
                    model.save_pretrained(folder)
                    self.compare(folder, model, some_pixels(config, rng))

    def test_an_encoder_without_pooler(self):
        config = some_config("ViTModel", random.Random(5))
        model = interop.randomise(transformers.ViTModel(config, add_pooling_layer=False), 1)
        model.save_pretrained(self.work / "bare")
        self.compare(self.work / "bare", model, some_pixels(config, random.Random(6)))

    def test_positions_are_interpolated_as_transformers_does(self):
        for number, name in enumerate(["ViTForImageClassification", "DeiTForImageClassificationWithTeacher"]):
            config = some_config(name, random.Random(number), image_size=12, patch_size=3)
            model = interop.randomise(getattr(transformers, name)(config), number)
            folder = self.work / f"{name}-interpolated"
            model.save_pretrained(folder)
            for size in ([24, 24], [9, 15], [21, 13], [3, 48]):
                with self.subTest(f"{name} {size}"):
                    inputs = some_pixels(config, random.Random(7), size)
                    self.compare(folder, model, inputs, interpolate_pos_encoding=True)

    def test_positions_of_dinov2_are_always_interpolated(self):
        for swiglu in (False, True):
            config = some_config("Dinov2ForImageClassification", random.Random(swiglu), image_size=12, patch_size=3, use_swiglu_ffn=swiglu)
            model = interop.randomise(transformers.Dinov2ForImageClassification(config), 4)
            folder = self.work / f"dinov2-{swiglu}"
            model.save_pretrained(folder)
            for size in ([24, 24], [9, 15], [21, 13], [12, 13], [3, 48]):
                with self.subTest(f"{swiglu} {size}"):
                    self.compare(folder, model, some_pixels(config, random.Random(7), size))

    def test_masked_patches_of_dinov2(self):
        config = some_config("Dinov2Model", random.Random(1), image_size=12, patch_size=3, use_mask_token=True)
        model = interop.randomise(transformers.Dinov2Model(config), 4)
        model.save_pretrained(self.work / "masked")
        inputs = some_pixels(config, random.Random(7)) | {"bool_masked_pos": torch.rand(3, 16, generator=torch.Generator().manual_seed(1)) < 0.4}
        self.compare(self.work / "masked", model, inputs)

    def test_half_precision_weights(self):
        config = some_config("ViTForImageClassification", random.Random(3))
        model = interop.randomise(transformers.ViTForImageClassification(config), 1).to(torch.bfloat16)
        model.save_pretrained(self.work / "half")
        self.compare(self.work / "half", model.float(), some_pixels(config, random.Random(4)))

    def test_half_precision_shards_of_dinov2(self):
        config = some_config("Dinov2ForImageClassification", random.Random(3))
        model = interop.randomise(transformers.Dinov2ForImageClassification(config), 1).to(torch.float16)
        model.save_pretrained(self.work / "shards", max_shard_size="1KB")
        self.assertTrue((self.work / "shards" / "model.safetensors.index.json").exists())
        self.compare(self.work / "shards", model.float(), some_pixels(config, random.Random(4)))


if __name__ == "__main__":
    interop.main()
