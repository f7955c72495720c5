#!/usr/bin/env python3
"""Makes the tiny folders of decoder-only families beside this file, as gpt2_llama.py makes those of GPT-2 and Llama: random
weights of odd sizes as `transformers` saves them, and in io.safetensors what it computes from them.

    .venv-reference/bin/python tests/golden/decoder_families.py
"""
import torch
import transformers
from safetensors.torch import load_file
from transformers.utils import logging

import gpt2_llama

SIZES = dict(vocab_size=37, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=17,
             max_position_embeddings=24)
GROUPED = SIZES | dict(num_attention_heads=4, num_key_value_heads=2, head_dim=6)
PART = {"rope_type": "default", "rope_theta": 300.0, "partial_rotary_factor": 0.5}
OPT = dict(vocab_size=37, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, ffn_dim=17, max_position_embeddings=24)
FOLDERS = {
    "mistral": ("Mistral", GROUPED | dict(sliding_window=3)),
    "qwen2": ("Qwen2", SIZES | dict(num_attention_heads=2, num_key_value_heads=1, use_sliding_window=True, sliding_window=4,
                                    max_window_layers=1, tie_word_embeddings=True)),
    "qwen3": ("Qwen3", GROUPED),
    "phi": ("Phi", SIZES | dict(rope_parameters=PART)),
    "gpt_neox": ("GPTNeoX", SIZES | dict(rope_parameters=PART)),
    "opt": ("OPT", OPT),
    "opt_350m": ("OPT", OPT | dict(do_layer_norm_before=False, word_embed_proj_dim=7)),
    "bloom": ("Bloom", dict(vocab_size=37, hidden_size=12, n_layer=2, n_head=3)),
    "mixtral": ("Mixtral", GROUPED | dict(num_local_experts=3)),
    "qwen3_moe": ("Qwen3Moe", GROUPED | dict(num_experts=3, num_experts_per_tok=2, moe_intermediate_size=9,
                                             mlp_only_layers=[0])),
    "gemma2": ("Gemma2", GROUPED | dict(query_pre_attn_scalar=5, sliding_window=3, attn_logit_softcapping=2.0,
                                        final_logit_softcapping=3.0)),
}


def model_of(name: str, options: dict) -> torch.nn.Module:
    kind = getattr(transformers, name + "ForCausalLM")
    model = kind._from_config(kind.config_class(**options), attn_implementation="eager")
    model.set_experts_implementation("eager")  # the others take some widths alone
    return model


def check(folder) -> None:
    """What lies in the folder must give the expected values when read back."""
    kind = getattr(transformers, FOLDERS[folder.name][0] + "ForCausalLM")
    model, report = kind.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not report["missing_keys"], report
    model.set_experts_implementation("eager")
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
    for seed, (name, (family, options)) in enumerate(FOLDERS.items()):
        check(gpt2_llama.write(name, model_of(family, options), seed))


if __name__ == "__main__":
    main()
