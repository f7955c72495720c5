// The rows of gpt_layout.cpp's list.
#pragma once
#include "models/pretrained/gpt/gpt_layout.h"

namespace zoo {

GptLayoutRow gpt2_layout();
GptLayoutRow llama_layout();
GptLayoutRow mistral_layout();
GptLayoutRow qwen2_layout();
GptLayoutRow qwen3_layout();
GptLayoutRow mixtral_layout();
GptLayoutRow qwen3_moe_layout();
GptLayoutRow gemma2_layout();
GptLayoutRow neox_layout();
GptLayoutRow phi_layout();
GptLayoutRow opt_layout();
GptLayoutRow bloom_layout();

}  // namespace zoo
