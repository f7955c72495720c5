// The logit lens: what a decoder would say if it stopped after a layer. Each layer's output goes
// through the last norm and the output layer. nostalgebraist 2020, "interpreting GPT: the logit
// lens" (LessWrong).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "models/gpt/gpt.h"

namespace zoo {

/// Row 0 is the embeddings, row n the output of layer n (from 1), on the CPU.
struct LogitLens {
  torch::Tensor ids, probabilities;  ///< [L + 1, T, K]: the K most probable next tokens
  torch::Tensor rank;                ///< [L + 1, T] int64: of the token that the last layer says
  torch::Tensor divergence;          ///< [L + 1, T]: of the last layer from this one, bits
};

/// `top`: K, at most the vocabulary. Needs the model's output layer.
LogitLens logit_lens(GptImpl& model, const std::vector<int64_t>& tokens, int64_t top);

}  // namespace zoo
