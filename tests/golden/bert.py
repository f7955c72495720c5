#!/usr/bin/env python3
"""Makes the tiny BERT, RoBERTa, ALBERT, ELECTRA and DistilBERT folders in bert/ beside this file: random weights of odd sizes as
`transformers` saves them, and in io.safetensors what it computes from them (float32, attention written out).

    .venv-reference/bin/python tests/golden/bert.py

io.safetensors: input_ids, attention_mask (holes and padding; places with 0 are not part of the promise),
token_type_ids, everything in the ModelOutput, last_hidden_state.
"""
import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent / "bert"
ROWS, LENGTH = 2, 7
SIZES = dict(vocab_size=19, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=11,
             max_position_embeddings=12)
LABELS = {0: "bad", 1: "so so", 2: "good"}


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
    config = model.config
    ids = torch.randint(2, config.vocab_size, (ROWS, LENGTH), generator=generator)
    mask = torch.ones_like(ids)
    mask[0, 2] = 0
    mask[1, 4:] = 0
    ids[mask == 0] = config.pad_token_id
    inputs = {"input_ids": ids, "attention_mask": mask}
    if hasattr(config, "type_vocab_size"):
        segments = (torch.arange(LENGTH) >= 3).long().expand(ROWS, LENGTH) % config.type_vocab_size
        inputs["token_type_ids"] = segments.contiguous()
    with torch.no_grad():
        out = model(**inputs, output_hidden_states=True, output_attentions=True)
    tensors = {name: value for name, value in out.items() if isinstance(value, torch.Tensor)}
    tensors |= {f"hidden_states.{n}": states for n, states in enumerate(out.hidden_states)}
    tensors |= {f"attentions.{n}": weights for n, weights in enumerate(out.attentions)}
    tensors["last_hidden_state"] = out.hidden_states[-1]
    return inputs | {name: tensor.clone().contiguous() for name, tensor in tensors.items()}


def write(architecture: str, seed: int, **changes) -> pathlib.Path:
    family = architecture.split("For")[0].removesuffix("Model")
    if "Classification" in architecture:
        changes["id2label"] = LABELS
        changes["label2id"] = {label: n for n, label in LABELS.items()}
    sizes = SIZES | changes
    if family == "DistilBert":
        sizes["hidden_dim"] = sizes.pop("intermediate_size")
    config = getattr(transformers, family + "Config")(**sizes)
    model = getattr(transformers, architecture)._from_config(config, attn_implementation="eager")
    folder = HERE / architecture
    shutil.rmtree(folder, ignore_errors=True)
    randomise(model, seed)
    model.eval().save_pretrained(folder)
    save_file(expected(model, seed), folder / "io.safetensors")
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < 40_000, f"{folder.name} has {size} bytes"
    print(f"{folder.name}: {size} bytes")
    return folder


def use_old_names(folder: pathlib.Path) -> None:
    """As the first files on the hub: gamma and beta of the norms, position ids among the weights, and heads of
    pre-training beside a model that has no use for them."""
    path = folder / "model.safetensors"
    weights = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
               for name, tensor in load_file(path).items()}
    weights["embeddings.position_ids"] = torch.arange(SIZES["max_position_embeddings"]).unsqueeze(0)
    weights["cls.seq_relationship.bias"] = torch.ones(2)
    save_file(weights, path, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["position_embedding_type"] = "absolute"
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main() -> None:
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    use_old_names(write("BertModel", 1))
    write("BertForPreTraining", 2)
    write("BertForSequenceClassification", 3, hidden_act="relu")
    write("RobertaForMaskedLM", 4, type_vocab_size=1, hidden_act="relu")
    write("RobertaForSequenceClassification", 5, type_vocab_size=1)
    write("AlbertForPreTraining", 6, embedding_size=7, num_hidden_layers=3)
    write("ElectraForPreTraining", 7, embedding_size=8, hidden_act="gelu_new")
    write("ElectraForMaskedLM", 8, embedding_size=15)
    write("DistilBertForMaskedLM", 9, activation="relu")
    write("DistilBertForSequenceClassification", 10, sinusoidal_pos_embds=True)


if __name__ == "__main__":
    main()
