// Activation patching: which place of which layer carries what makes two inputs differ. The model
// reads the second input with one vector of its residual stream, or of what a sub-layer adds to it,
// taken from its pass over the first. Meng et al. 2022 (arXiv:2202.05262), §2.1 and Figure 2;
// Heimersheim & Nanda 2024 (arXiv:2404.15255).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "infer/analysis/sub_layers.h"
#include "models/gpt/gpt.h"

namespace zoo {

struct PatchingOptions {
  /// Next tokens to compare. Unset: what the model says after the clean input, and after the
  /// corrupted one.
  std::optional<int64_t> answer = {}, other = {};
  LayerPart what = LayerPart::kResidual;  ///< is patched
};

struct Patching {
  int64_t answer = 0, other = 0;    ///< next tokens: after the clean input, after the corrupted one
  double clean = 0, corrupted = 0;  ///< logit of the answer minus that of the other
  /// Double: how much of that difference one patch brings back, 0 none, 1 all. Residual:
  /// [L + 1, T], row 0 patches the embeddings, row n the output of layer n (from 1). Attention,
  /// feed-forward: [L, T], row n patches what the sub-layer of layer n (from 0) adds.
  torch::Tensor restored = {};
};

/// Inputs of T tokens both. Throws std::invalid_argument for inputs of different lengths, and where
/// the two differences are equal: there is nothing to bring back.
Patching patch_activations(GptImpl& model, const std::vector<int64_t>& clean,
                           const std::vector<int64_t>& corrupted,
                           const PatchingOptions& options = {});

}  // namespace zoo
