// Layer norm and RMS norm with torch's fused operators.
#include "models/layers/norm.h"

#include <ATen/ops/rms_norm.h>

#include "base/own_function.h"
#include "models/layers/own_layers.h"

namespace zoo {

NormImpl::NormImpl(int64_t d_model, const NormOptions& options_) : options(options_) {
  weight = register_parameter("weight", torch::ones({d_model}));
  if (options.kind == NormKind::kLayer && options.bias)
    bias = register_parameter("bias", torch::zeros({d_model}));
}

torch::Tensor NormImpl::forward(const torch::Tensor& x) {
  if (options.kind == NormKind::kRms)
    return at::rms_norm(x, weight.sizes(), weight, options.epsilon);
  static auto* const own = own_function<OwnLayerNorm>("layer_norm");
  if (own != nullptr) return own(x, weight, bias, options.epsilon);
  return torch::layer_norm(x, weight.sizes(), weight, bias, options.epsilon);
}

}  // namespace zoo
