// The rows of gpt_layout.cpp's list.
#pragma once
#include "models/pretrained/gpt/gpt_layout.h"

namespace zoo {

GptLayoutRow gpt2_layout();
GptLayoutRow llama_layout();

}  // namespace zoo
