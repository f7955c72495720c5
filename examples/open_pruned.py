#!/usr/bin/env python3
"""Opens a checkpoint of the program prune_heads in Python. The layers of transformers 5 cannot lack heads (those of
transformers 4 could), so each attention layer gets smaller matrices before the weights are loaded.

    from open_pruned import open_pruned
    model = open_pruned("half")

    python3 examples/open_pruned.py half    # prints the layers
"""
import re
import sys

import torch
import transformers
from transformers.pytorch_utils import Conv1D


def pruned_heads(model, name: str) -> list:
    """The heads that the attention layer of this name lacks, as config.json says."""
    config, key = model.config, "pruned_heads"
    if config.is_encoder_decoder:
        key = ("cross_" if "encoder_attn" in name else "decoder_" if "decoder." in name else "encoder_") + key
    elif name.startswith(("text_model.", "vision_model.")):  # CLIP
        config = getattr(config, name.split("_")[0] + "_config", config)
    layer = re.search(r"\.(\d+)\.", name).group(1)
    return (getattr(config, key, None) or {}).get(layer, [])


def smaller(layer, inputs: int, outputs: int):
    if isinstance(layer, Conv1D):
        return Conv1D(outputs, inputs)
    return torch.nn.Linear(inputs, outputs, bias=layer.bias is not None)


def shrink(attention, parent, lacks: list) -> None:
    """Queries, keys, values and the output layer of one attention layer without some heads."""
    heads = getattr(attention, "num_heads", None) or getattr(attention, "num_attention_heads", None) \
        or attention.config.num_attention_heads
    group = getattr(attention, "num_key_value_groups", 1)  # heads that share keys and values
    left = [head for head in range(heads) if head not in lacks]
    groups = {head // group for head in left}
    if hasattr(attention, "c_attn"):  # GPT-2: queries, keys and values are one matrix
        width, inputs = attention.head_dim, attention.embed_dim
        attention.split_size = len(left) * width
        attention.c_attn = smaller(attention.c_attn, inputs, 3 * attention.split_size)
        attention.c_proj = smaller(attention.c_proj, attention.split_size, inputs)
        return
    for names, count in ((("q_proj", "query"), len(left)), (("k_proj", "key"), len(groups)),
                         (("v_proj", "value"), len(groups))):
        for name in names:
            if hasattr(attention, name):
                layer = getattr(attention, name)
                whole = heads if count == len(left) and name in ("q_proj", "query") else heads // group
                width = layer.out_features // whole
                setattr(attention, name, smaller(layer, layer.in_features, count * width))
    attention.num_key_value_groups = len(left) // len(groups)
    owner = parent.output if hasattr(parent, "output") else attention  # BERT's stands beside it
    for name in ("o_proj", "out_proj", "dense"):
        if hasattr(owner, name):
            layer = getattr(owner, name)
            setattr(owner, name, smaller(layer, len(left) * width, layer.out_features))


def open_pruned(folder, **options):
    """The model of a folder, whatever its family; `options` are those of from_pretrained()."""
    config = transformers.AutoConfig.from_pretrained(folder)
    whole = getattr(transformers, config.architectures[0])

    class Pruned(whole):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            for name, module in list(self.named_modules()):
                if not any(hasattr(module, child) for child in ("q_proj", "query", "c_attn")):
                    continue
                if lacks := pruned_heads(self, name):
                    shrink(module, self.get_submodule(name.rpartition(".")[0]), lacks)

    Pruned.__name__ = whole.__name__
    return Pruned.from_pretrained(folder, **options)


if __name__ == "__main__":
    print(open_pruned(sys.argv[1]))
