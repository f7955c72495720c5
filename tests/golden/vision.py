#!/usr/bin/env python3
"""Makes the tiny ViT, DeiT, DINOv2, CLIP and SigLIP folders in vision/ beside this file: random weights of odd sizes as `transformers`
saves them, and in io.safetensors what it computes from them (float32, attention written out).

    .venv-reference/bin/python tests/golden/vision.py

io.safetensors: pixel_values, input_ids, attention_mask in; everything in the ModelOutput out; `large_pixel_values` is an
image of another size, and `large_logits` what the model says of it with interpolated positions.
"""
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import save_file
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent / "vision"
TOWER = dict(hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=11)
VIT = TOWER | dict(image_size=8, patch_size=3, num_channels=3, id2label={0: "cat", 1: "dog", 2: "fish"},
                   label2id={"cat": 0, "dog": 1, "fish": 2})
CLIP = dict(text_config=TOWER | dict(hidden_size=12, vocab_size=19, max_position_embeddings=9, bos_token_id=0, pad_token_id=1,
                                     eos_token_id=18, projection_dim=7),
            vision_config=TOWER | dict(image_size=8, patch_size=3, projection_dim=7), projection_dim=7)


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Fresh models have zero biases and norms of one: a reader that ignores them would go unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        noise = 0.3 * torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            parameter.copy_(1 + noise if is_norm else noise)


def write(model: torch.nn.Module, inputs: dict, seed: int, also=lambda model: {}) -> None:
    randomise(model, seed)
    model.eval().set_attn_implementation("eager")
    folder = HERE / type(model).__name__
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    with torch.no_grad():
        outputs = {name: value for name, value in model(**inputs).items() if isinstance(value, torch.Tensor)} | also(model)
    save_file(inputs | {name: value.clone().contiguous() for name, value in outputs.items()}, folder / "io.safetensors")
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < 60_000, f"{folder.name} has {size} bytes"
    print(f"{folder.name}: {size} bytes")


def main() -> None:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    generator = torch.Generator().manual_seed(1)
    pixels = {"pixel_values": torch.randn(2, 3, 8, 8, generator=generator)}
    large = torch.randn(2, 3, 14, 10, generator=generator)
    ids = torch.randint(2, 18, (3, 6), generator=generator)
    ids[0, 5] = ids[1, 3] = ids[2, 0] = ids[2, 4] = 18
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    texts = {"input_ids": ids, "attention_mask": mask}

    def interpolated(model):
        out = model(large, interpolate_pos_encoding=True)
        return {"large_pixel_values": large, "large_logits": out.logits}

    write(transformers.ViTForImageClassification(transformers.ViTConfig(**VIT)), pixels, 1, interpolated)
    write(transformers.ViTModel(transformers.ViTConfig(**VIT)), pixels, 2)
    write(transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(**VIT)), pixels, 3)
    write(transformers.DeiTForImageClassification(transformers.DeiTConfig(**VIT)), pixels, 4, interpolated)
    dinov2 = {key: value for key, value in VIT.items() if key != "intermediate_size"} | dict(mlp_ratio=2)

    def resized(model):  # always interpolated
        return {"large_pixel_values": large, "large_logits": model(large).logits}

    write(transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**dinov2)), pixels, 8, resized)
    write(transformers.Dinov2Model(transformers.Dinov2Config(**dinov2, use_swiglu_ffn=True)), pixels, 9)
    clip = transformers.CLIPConfig(**CLIP)
    write(transformers.CLIPModel(clip), pixels | texts, 5)
    write(transformers.CLIPTextModelWithProjection(clip.text_config), texts, 6)
    write(transformers.CLIPVisionModelWithProjection(clip.vision_config), pixels, 7)
    siglip = transformers.SiglipConfig(
        text_config=TOWER | dict(hidden_size=12, vocab_size=19, max_position_embeddings=9, projection_size=15, hidden_act="gelu_new",
                                 bos_token_id=None, eos_token_id=1, pad_token_id=1),
        vision_config=TOWER | dict(image_size=8, patch_size=3, hidden_act="relu"))
    write(transformers.SiglipModel(siglip), pixels | texts, 10)


if __name__ == "__main__":
    main()
