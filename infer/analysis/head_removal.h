// Removes heads from a model of any family, for good (models/layers/pruned_heads.h).
#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "infer/analysis/head_importance.h"

namespace zoo {

/// Heads of the layers "encoder 0", "encoder 1" and so on, which are removed as "encoder.0:1,3".
struct PrunableStack {
  std::string name = {};  ///< "" of a model with one stack; "encoder", "decoder", "cross"; "image",
                          ///< "text" of a CLIP
  std::vector<MultiHeadAttentionImpl*> layers = {};
};

/// Throws std::runtime_error, one line, for a model without heads.
std::vector<PrunableStack> prunable_stacks(torch::nn::Module& model);

/// In place: parameters shrink, and the options say which heads are missing, so that the model can
/// be saved, opened and trained on. "0:1,3 2:0" are heads 1 and 3 of layer 0 and head 0 of layer 2,
/// counted among those that the model has now; of a model with several stacks "encoder.0:1,3
/// cross.2:0". Blocks that several layers share (ALBERT) are the layers meant. A Llama whose layers
/// keep equally many heads (a divisor of d_model) becomes one with fewer heads. Throws
/// std::invalid_argument, one line, before anything is changed: as heads_left(), and for an unknown
/// stack or layer.
void remove_heads(torch::nn::Module& model, std::string_view heads);

/// The heads to remove so that the share `keep` of them stays, or a little more: those of least
/// `importance` first (a row for each of `layers`, as head_importance() gives it). In each layer at
/// least one stays; heads that share keys and values go together.
std::string least_important_heads(torch::nn::Module& model,
                                  const std::vector<NamedAttention>& layers,
                                  const torch::Tensor& importance, double keep);

}  // namespace zoo
