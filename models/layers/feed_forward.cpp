// Two projections with an activation between them.
#include "models/layers/feed_forward.h"

#include <c10/util/Exception.h>

#include "models/layers/activate.h"
#include "models/layers/dropout.h"

namespace zoo {

FeedForwardImpl::FeedForwardImpl(const FeedForwardOptions& options_) : options(options_) {
  TORCH_CHECK(options.d_model > 0 && options.width > 0,
              "FeedForward: d_model and width must be positive, got ", options.d_model, " and ",
              options.width);
  const int64_t rows = is_gated(options.activation) ? 2 * options.width : options.width;
  in_proj = register_module(
      "in_proj",
      torch::nn::Linear(torch::nn::LinearOptions(options.d_model, rows).bias(options.bias)));
  out_proj = register_module(
      "out_proj", torch::nn::Linear(
                      torch::nn::LinearOptions(options.width, options.d_model).bias(options.bias)));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  auto h = activate(in_proj(x), options.activation);  // [B, T, F]
  if (options.dropout > 0.0 && is_training()) h = drop_out(h, options.dropout);
  return out_proj(h);  // [B, T, C]
}

}  // namespace zoo
