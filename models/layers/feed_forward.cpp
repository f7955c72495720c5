// Two projections and what stands between them.
#include "models/layers/feed_forward.h"

#include <c10/util/Exception.h>

namespace zoo {
namespace {

torch::Tensor swiglu(const torch::Tensor& x) {
  const auto halves = x.chunk(2, -1);            // [B, T, F] twice
  return torch::silu(halves[0]).mul(halves[1]);  // [B, T, F]  Shazeer 2020, Eq. 5
}

}  // namespace

torch::Tensor quick_gelu(const torch::Tensor& x) { return x * torch::sigmoid(x * 1.702); }

FeedForwardImpl::FeedForwardImpl(const FeedForwardOptions& options_) : options(options_) {
  TORCH_CHECK(options.d_model > 0 && options.width > 0,
              "FeedForward: d_model and width must be positive, got ", options.d_model, " and ",
              options.width);
  const int64_t rows =
      options.activation == Activation::kSwiglu ? 2 * options.width : options.width;
  in_proj = register_module(
      "in_proj",
      torch::nn::Linear(torch::nn::LinearOptions(options.d_model, rows).bias(options.bias)));
  out_proj = register_module(
      "out_proj", torch::nn::Linear(
                      torch::nn::LinearOptions(options.width, options.d_model).bias(options.bias)));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  auto h = activate(in_proj(x));  // [B, T, F]
  if (options.dropout > 0.0) h = torch::dropout(h, options.dropout, is_training());
  return out_proj(h);  // [B, T, C]
}

/// h [B, T, F], or [B, T, 2F] for SwiGLU -> [B, T, F]
torch::Tensor FeedForwardImpl::activate(const torch::Tensor& h) const {
  switch (options.activation) {
    case Activation::kRelu:
      return torch::relu(h);
    case Activation::kGelu:
      return torch::gelu(h);
    case Activation::kGeluTanh:
      return torch::gelu(h, "tanh");
    case Activation::kQuickGelu:
      return quick_gelu(h);
    case Activation::kSilu:
      return torch::silu(h);
    case Activation::kSwiglu:
      return swiglu(h);
  }
  TORCH_CHECK(false, "FeedForward: unknown activation");
}

}  // namespace zoo
