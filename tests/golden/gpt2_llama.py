#!/usr/bin/env python3
"""Makes the tiny GPT-2 and Llama folders beside this file: random weights of odd sizes as `transformers` saves
them, and in io.safetensors what it computes from them (float32, attention written out).

    .venv-reference/bin/python tests/golden/gpt2_llama.py

io.safetensors: input_ids, attention_mask (the last row is padded on the right; its padded places are not part of
the promise), logits, last_hidden_state, hidden_states.N, attentions.N.
"""
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent
ROWS, LENGTH, PADDING = 3, 9, 4  # the last row has LENGTH - PADDING tokens


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Fresh models have zero biases and norms of one: a reader that ignores them would go unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        noise = 0.3 * torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            parameter.copy_(1 + noise if is_norm else noise)
    model.tie_weights()


def expected(model: torch.nn.Module, seed: int) -> dict:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, model.config.vocab_size, (ROWS, LENGTH), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, LENGTH - PADDING:] = 0
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True, output_attentions=True)
    tensors = {"input_ids": ids, "attention_mask": mask, "logits": out.logits}
    tensors |= {f"hidden_states.{n}": states for n, states in enumerate(out.hidden_states)}
    tensors |= {f"attentions.{n}": weights for n, weights in enumerate(out.attentions)}
    tensors["last_hidden_state"] = out.hidden_states[-1].clone()
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def write(name: str, model: torch.nn.Module, seed: int, shard_size: str = "5GB") -> pathlib.Path:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    randomise(model, seed)
    model.eval().save_pretrained(folder, max_shard_size=shard_size)
    (folder / "generation_config.json").unlink()
    save_file(expected(model, seed), folder / "io.safetensors")
    return folder


def edit_config(folder: pathlib.Path, change) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def gpt2(**changes) -> GPT2LMHeadModel:
    sizes = dict(vocab_size=61, n_positions=24, n_embd=15, n_layer=2, n_head=3, bos_token_id=60, eos_token_id=60)
    return GPT2LMHeadModel._from_config(GPT2Config(**sizes | changes), attn_implementation="eager")


def llama(**changes) -> LlamaForCausalLM:
    sizes = dict(vocab_size=47, max_position_embeddings=24, hidden_size=18, intermediate_size=28,
                 num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2, head_dim=4,
                 rope_parameters={"rope_type": "default", "rope_theta": 500.0})
    return LlamaForCausalLM._from_config(LlamaConfig(**sizes | changes), attn_implementation="eager")


def use_old_names(folder: pathlib.Path) -> None:
    """As the first GPT-2 files on the hub: no `transformer.` before the names, and the causal masks among the weights."""
    path = folder / "model.safetensors"
    weights = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    causal = torch.ones(24, 24).tril().view(1, 1, 24, 24)
    weights |= {f"h.{layer}.attn.bias": causal.clone() for layer in range(2)}
    save_file(weights, path, metadata={"format": "pt"})
    keys = ("activation_function", "architectures", "attn_pdrop", "bos_token_id", "embd_pdrop", "eos_token_id",
            "initializer_range", "layer_norm_epsilon", "model_type", "n_embd", "n_head", "n_layer", "n_positions",
            "resid_pdrop", "vocab_size")

    def as_then(config):
        kept = {key: config[key] for key in keys}
        config.clear()
        config.update(kept, n_ctx=kept["n_positions"])

    edit_config(folder, as_then)


def use_old_rope_keys(folder: pathlib.Path) -> None:
    """As before transformers 5: rope_theta and rope_scaling instead of rope_parameters."""
    def as_then(config):
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope["rope_theta"]
        config["rope_scaling"] = {"type": rope["rope_type"], "factor": rope["factor"]}

    edit_config(folder, as_then)


def check(folder: pathlib.Path) -> None:
    """What lies in the folder must give the expected values when read back, whatever was renamed above."""
    kind = LlamaForCausalLM if folder.name.startswith("llama") else GPT2LMHeadModel
    model, report = kind.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not report["missing_keys"], report
    io = load_file(folder / "io.safetensors")
    with torch.no_grad():
        logits = model.eval()(input_ids=io["input_ids"], attention_mask=io["attention_mask"]).logits
    torch.testing.assert_close(logits, io["logits"], rtol=0, atol=1e-6)
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < 60_000, f"{folder.name} has {size} bytes"
    print(f"{folder.name}: {size} bytes, {sorted(file.name for file in folder.iterdir())}")


def main() -> None:
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    write("gpt2", gpt2(), 1)
    write("gpt2_sharded", gpt2(activation_function="gelu"), 2, shard_size="10KB")
    use_old_names(write("gpt2_old_names", gpt2(), 3))
    write("llama", llama(), 4)
    write("llama_tied_bias", llama(tie_word_embeddings=True, attention_bias=True), 5)
    rope = {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.5}
    use_old_rope_keys(write("llama_linear_rope", llama(rope_parameters=rope), 6))
    # Wavelengths 6.3, 30, 140 and 663 against the bounds 8 and 32: one is kept, one blended, two are slowed.
    rope = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    write("llama_llama3_rope", llama(rope_parameters=rope, head_dim=8, num_attention_heads=3,
                                     num_key_value_heads=1, max_position_embeddings=256), 7)
    for folder in sorted(path for path in HERE.iterdir() if (path / "io.safetensors").exists()):
        if folder.name.startswith(("gpt2", "llama")):
            check(folder)


if __name__ == "__main__":
    main()
