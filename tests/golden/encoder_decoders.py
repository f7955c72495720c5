#!/usr/bin/env python3
"""Makes the tiny Marian, BART, Pegasus, mBART and T5 folders beside this file: random weights of odd sizes as `transformers`
saves them, and in io.safetensors what it computes from them (float32, attention written out).

    .venv-reference/bin/python tests/golden/encoder_decoders.py

io.safetensors: input_ids, attention_mask (the last row is padded on the right; its padded places are not part of the
promise), decoder_input_ids, logits where there is a head, and the hidden states and attention weights of both sides.
"""
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import (BartConfig, BartForConditionalGeneration, BartModel, MarianConfig, MarianMTModel, MBartConfig,
                          MBartForConditionalGeneration, PegasusConfig, PegasusForConditionalGeneration, T5Config,
                          T5ForConditionalGeneration)
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent
ROWS, SOURCE, TARGET, PADDING = 3, 8, 6, 3
SIZES = dict(vocab_size=29, d_model=15, encoder_layers=2, decoder_layers=1, encoder_attention_heads=3,
             decoder_attention_heads=5, encoder_ffn_dim=14, decoder_ffn_dim=11, max_position_embeddings=16,
             pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2)
T5 = dict(vocab_size=29, d_model=15, d_kv=4, d_ff=11, num_layers=2, num_decoder_layers=1, num_heads=3,
          relative_attention_num_buckets=8, relative_attention_max_distance=6, decoder_start_token_id=0)


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Fresh models have zero biases and norms of one: a reader that ignores them would go unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    tables = ["embed_positions"] if isinstance(model, (MarianMTModel, PegasusForConditionalGeneration)) else []
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if any(table in name for table in tables):
            continue
        is_norm = "norm" in name and name.endswith("weight")
        noise = 0.3 * torch.randn(tensor.shape, generator=generator)
        with torch.no_grad():
            tensor.copy_(1 + noise if is_norm else noise)
    model.tie_weights()


def expected(model: torch.nn.Module, seed: int) -> dict:
    generator = torch.Generator().manual_seed(seed)
    source_ids = torch.randint(0, model.config.vocab_size, (ROWS, SOURCE), generator=generator)
    target_vocab = getattr(model.config, "decoder_vocab_size", model.config.vocab_size)
    target_ids = torch.randint(0, target_vocab, (ROWS, TARGET), generator=generator)
    mask = torch.ones_like(source_ids)
    mask[-1, SOURCE - PADDING:] = 0
    with torch.no_grad():
        out = model(input_ids=source_ids, attention_mask=mask, decoder_input_ids=target_ids,
                    output_hidden_states=True, output_attentions=True)
    tensors = {"input_ids": source_ids, "attention_mask": mask, "decoder_input_ids": target_ids,
               "last_hidden_state": out.decoder_hidden_states[-1].clone(),
               "encoder_last_hidden_state": out.encoder_last_hidden_state.clone()}
    if "logits" in out:
        tensors["logits"] = out.logits
    for side in ("encoder_hidden_states", "decoder_hidden_states", "encoder_attentions", "decoder_attentions",
                 "cross_attentions"):
        tensors |= {f"{side}.{n}": tensor.clone() for n, tensor in enumerate(out[side])}
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def write(name: str, kind, config, seed: int, own_head: bool = False) -> None:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model = kind._from_config(config, attn_implementation="eager")
    randomise(model, seed)
    if own_head:  # which this T5 has in the file, whatever config.json says
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().flip(0))
    model.eval().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_file(expected(model, seed), folder / "io.safetensors")
    check(folder, kind)


def check(folder: pathlib.Path, kind) -> None:
    """What lies in the folder must give the expected values when read back."""
    model, report = kind.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not report["missing_keys"], report
    io = load_file(folder / "io.safetensors")
    inputs = {name: io[name] for name in ("input_ids", "attention_mask", "decoder_input_ids")}
    with torch.no_grad():
        out = model.eval()(**inputs)
    torch.testing.assert_close(out.encoder_last_hidden_state, io["encoder_last_hidden_state"], rtol=0, atol=1e-6)
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < 80_000, f"{folder.name} has {size} bytes"
    print(f"{folder.name}: {size} bytes")


def main() -> None:
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    write("marian", MarianMTModel, MarianConfig(**SIZES, activation_function="swish", scale_embedding=True), 1)
    write("marian_two_vocabularies", MarianMTModel,
          MarianConfig(**SIZES, decoder_vocab_size=23, share_encoder_decoder_embeddings=False,
                       activation_function="relu"), 2)
    write("bart", BartForConditionalGeneration, BartConfig(**SIZES), 3)
    write("bart_untied", BartForConditionalGeneration, BartConfig(**SIZES, tie_word_embeddings=False), 4)
    write("bart_headless", BartModel, BartConfig(**SIZES, scale_embedding=True), 5)
    write("pegasus", PegasusForConditionalGeneration,
          PegasusConfig(**SIZES, activation_function="gelu_new", scale_embedding=True), 6)
    write("mbart", MBartForConditionalGeneration, MBartConfig(**SIZES, scale_embedding=True), 7)
    write("t5", T5ForConditionalGeneration, T5Config(**T5), 8)
    write("t5_gated", T5ForConditionalGeneration, T5Config(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False), 9,
          own_head=True)


if __name__ == "__main__":
    main()
