#!/usr/bin/env python3
"""Makes experts.json beside this file: random experts of Mixtral, Qwen 3 MoE and DeepSeek-V3 in `transformers`, their
output for random tokens, and Mixtral's load-balancing loss.

    .venv-reference/bin/python tests/golden/experts.py
"""
import json
import pathlib

import torch
from transformers import DeepseekV3Config, MixtralConfig, Qwen3MoeConfig
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MoE
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock, load_balancing_loss_func
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeSparseMoeBlock

C, F, E, TOKENS = 6, 5, 4, (2, 4)
SIZES = {"hidden_size": C, "experts_implementation": "eager"}


def mixtral(top_k: int):
    return MixtralSparseMoeBlock(MixtralConfig(**SIZES, intermediate_size=F, num_local_experts=E,
                                               num_experts_per_tok=top_k))


def qwen3(top_k: int, renormalise: bool):
    return Qwen3MoeSparseMoeBlock(Qwen3MoeConfig(**SIZES, moe_intermediate_size=F, num_experts=E, num_local_experts=E,
                                                 num_experts_per_tok=top_k, norm_topk_prob=renormalise))


def deepseek(top_k: int, renormalise: bool, shared: int):
    return DeepseekV3MoE(DeepseekV3Config(**SIZES, moe_intermediate_size=F, n_routed_experts=E, num_local_experts=E,
                                          n_shared_experts=shared, num_experts_per_tok=top_k, n_group=1, topk_group=1,
                                          norm_topk_prob=renormalise, routed_scaling_factor=1.0))


def numbers(tensor: torch.Tensor) -> list:
    return [float(f"{value:.8g}") for value in tensor.flatten().tolist()]


def case(name: str, block, top_k: int, score: str, renormalise: bool, shared: int = 0) -> dict:
    with torch.no_grad():
        for weight in block.parameters():
            weight.normal_(0, 0.6)
        x = torch.randn(*TOKENS, C)
        y = block(x)
        result = {"name": name, "experts_per_token": top_k, "score": score, "renormalise": renormalise,
                  "shared_experts": shared, "router": numbers(block.gate.weight),
                  "in": numbers(block.experts.gate_up_proj), "out": numbers(block.experts.down_proj),
                  "x": numbers(x), "y": numbers(y)}
        if score == "softmax":
            result["balance"] = load_balancing_loss_func((block.gate(x)[0],), E, top_k).item()
        if shared:
            mlp = block.shared_experts
            result["shared_in"] = numbers(torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]))
            result["shared_out"] = numbers(mlp.down_proj.weight)
    return result


def main() -> None:
    torch.manual_seed(22)
    torch.set_num_threads(1)
    cases = [
        case("mixtral", mixtral(2), 2, "softmax", True),
        case("mixtral_one", mixtral(1), 1, "softmax", True),
        case("qwen3", qwen3(3, True), 3, "softmax", True),
        case("qwen3_not_renormalised", qwen3(2, False), 2, "softmax", False),
        case("deepseek", deepseek(2, True, 1), 2, "sigmoid", True, 1),
        case("deepseek_two_shared", deepseek(3, False, 2), 3, "sigmoid", False, 2),
    ]
    golden = {"d_model": C, "width": F, "experts": E, "tokens": TOKENS, "cases": cases}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
