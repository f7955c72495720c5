// What stands on top of a BERT, head by head: masked words (Devlin et al. 2018, §3.1), pairs of
// sentences (§3.1; Lan et al. 2019, §3.1), classes of texts and of tokens (§4), replaced tokens
// (Clark et al. 2020, §3.1).
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "models/layers/dropout.h"
#include "models/layers/feed_forward.h"
#include "models/layers/norm.h"

namespace zoo {

struct MaskedLmHeadOptions {
  int64_t d_model = 0;          ///< C
  int64_t embedding_width = 0;  ///< E
  int64_t vocab_size = 0;       ///< V
  Activation activation = Activation::kGelu;
  NormOptions norm = {.epsilon = 1e-12};
  bool tied = true;  ///< false: an output matrix of its own
};

/// A layer, a norm, and the token embedding as output matrix, with a bias of its own.
class MaskedLmHeadImpl : public torch::nn::Module {
 public:
  explicit MaskedLmHeadImpl(const MaskedLmHeadOptions& options);
  /// hidden [..., C], embedding [V, E] -> [..., V]. The vocabulary's product is most of the work:
  /// pass select_tokens(hidden, ...) where only some tokens are asked for.
  torch::Tensor forward(const torch::Tensor& hidden, const torch::Tensor& embedding);
  MaskedLmHeadOptions options;
  torch::nn::Linear dense{nullptr};  // [E, C]
  Norm norm{nullptr};
  torch::Tensor bias;     // [V]
  torch::Tensor decoder;  // [V, E]; undefined where tied
};
TORCH_MODULE(MaskedLmHead);

/// What stands between a classifier's inner layer and its output; none: there is no inner layer.
enum class InnerLayer { kNone, kTanh, kRelu, kGelu, kGeluTanh, kQuickGelu, kSilu };
InnerLayer inner_of(Activation activation);

struct ClassifierOptions {
  int64_t d_model = 0;  ///< C
  int64_t labels = 2;   ///< K
  InnerLayer inner = InnerLayer::kNone;
  double dropout = 0.0;  ///< before each layer
};

/// [..., C] -> [..., K]: of a sentence's vector, or of every token's
class ClassifierImpl : public torch::nn::Module {
 public:
  explicit ClassifierImpl(const ClassifierOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  ClassifierOptions options;
  torch::nn::Linear dense{nullptr};  // [C, C]; empty without inner layer
  torch::nn::Linear out_proj{nullptr};
  Dropout dropout{nullptr};
};
TORCH_MODULE(Classifier);

}  // namespace zoo
