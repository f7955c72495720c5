// Activation patching: which place of which layer carries what makes two inputs differ. The model
// reads the second input with one vector of its residual stream, at one layer and position, taken
// from its pass over the first. Meng et al. 2022 (arXiv:2202.05262), §2.1; Heimersheim & Nanda 2024
// (arXiv:2404.15255).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "models/gpt/gpt.h"

namespace zoo {

struct Patching {
  int64_t answer = 0, other = 0;    ///< next tokens: after the clean input, after the corrupted one
  double clean = 0, corrupted = 0;  ///< logit of the answer minus that of the other
  /// [L + 1, T] double: how much of that difference one patch brings back, 0 none, 1 all. Row 0
  /// patches the embeddings, row n the output of layer n (from 1).
  torch::Tensor restored = {};
};

/// Inputs of T tokens both. Unset: the tokens that the model says after each. Throws
/// std::invalid_argument for inputs of different lengths, and where the two differences are equal:
/// there is nothing to bring back.
Patching patch_activations(GptImpl& model, const std::vector<int64_t>& clean,
                           const std::vector<int64_t>& corrupted,
                           std::optional<int64_t> answer = {}, std::optional<int64_t> other = {});

}  // namespace zoo
