// Gather, project, compare.
#include "models/bert/bert_heads.h"

#include <c10/util/Exception.h>

#include "models/layers/activate.h"

namespace zoo {
namespace {

torch::Tensor activate(const torch::Tensor& x, InnerLayer inner) {
  switch (inner) {
    case InnerLayer::kNone:
      return x;
    case InnerLayer::kTanh:
      return torch::tanh(x);
    case InnerLayer::kRelu:
      return activate(x, Activation::kRelu);
    case InnerLayer::kGelu:
      return activate(x, Activation::kGelu);
    case InnerLayer::kGeluTanh:
      return activate(x, Activation::kGeluTanh);
    case InnerLayer::kQuickGelu:
      return activate(x, Activation::kQuickGelu);
    case InnerLayer::kSilu:
      return activate(x, Activation::kSilu);
  }
  TORCH_CHECK(false, "Classifier: unknown inner layer");
}

}  // namespace

MaskedLmHeadImpl::MaskedLmHeadImpl(const MaskedLmHeadOptions& options_) : options(options_) {
  const int64_t E = options.embedding_width;
  dense = register_module("dense", torch::nn::Linear(options.d_model, E));
  norm = register_module("norm", Norm(E, options.norm));
  bias = register_parameter("bias", torch::zeros({options.vocab_size}));
  if (!options.tied) decoder = register_parameter("decoder", torch::zeros({options.vocab_size, E}));
}

torch::Tensor MaskedLmHeadImpl::forward(const torch::Tensor& hidden,
                                        const torch::Tensor& embedding) {
  const auto h = norm(activate(dense(hidden), options.activation));        // [..., E]
  return torch::linear(h, decoder.defined() ? decoder : embedding, bias);  // [..., V]
}

ClassifierImpl::ClassifierImpl(const ClassifierOptions& options_) : options(options_) {
  TORCH_CHECK(options.labels > 0, "Classifier: labels must be positive, got ", options.labels);
  const int64_t C = options.d_model;
  if (options.inner != InnerLayer::kNone) dense = register_module("dense", torch::nn::Linear(C, C));
  out_proj = register_module("out_proj", torch::nn::Linear(C, options.labels));
  dropout = register_module("dropout", Dropout(options.dropout));
}

torch::Tensor ClassifierImpl::forward(const torch::Tensor& x) {
  auto h = dropout(x);
  if (dense) h = dropout(activate(dense(h), options.inner));
  return out_proj(h);  // [..., K]
}

InnerLayer inner_of(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return InnerLayer::kRelu;
    case Activation::kGelu:
      return InnerLayer::kGelu;
    case Activation::kGeluTanh:
      return InnerLayer::kGeluTanh;
    case Activation::kQuickGelu:
      return InnerLayer::kQuickGelu;
    case Activation::kSilu:
      return InnerLayer::kSilu;
    case Activation::kSwiglu:
    case Activation::kGeglu:
    case Activation::kGegluTanh:
    case Activation::kReglu:
      break;  // halves the width: not between two square layers
  }
  TORCH_CHECK(false, "a classifier has no inner layer with this activation");
}

}  // namespace zoo
