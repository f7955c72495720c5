// Queries and keys through phi, then sums; the sum of the weights is a column of ones in v.
#include "models/mixers/linear.h"

#include <c10/util/Exception.h>
#include <torch/nn/functional/activation.h>

#include "models/mixers/heads.h"

namespace zoo {

torch::Tensor elu_features(const torch::Tensor& x) { return torch::elu(x) + 1.0; }

LinearMixer::LinearMixer(const LinearMixerOptions& options_)
    : TokenMixer(options_.d_model), options(options_) {
  const int64_t C = options.d_model;
  TORCH_CHECK(C > 0 && options.heads > 0 && C % options.heads == 0,
              "LinearMixer: heads must divide d_model, got ", options.heads, " and ", C);
  TORCH_CHECK(options.chunk > 0, "LinearMixer: chunk must be 1 or more, got ", options.chunk);
  const auto linear = [&](int64_t rows) {
    return torch::nn::Linear(torch::nn::LinearOptions(C, rows).bias(options.bias));
  };
  in_proj = register_module("in_proj", linear(3 * C));
  out_proj = register_module("out_proj", linear(C));
}

LinearMixer::Projected LinearMixer::project(const torch::Tensor& x, const torch::Tensor& lengths) {
  const auto parts = in_proj(x).chunk(3, -1);
  const auto heads = [&](size_t n) { return detail::into_heads(parts[n], options.heads); };
  return {elu_features(heads(0)), detail::without_padding(elu_features(heads(1)), lengths),
          with_ones(heads(2))};
}

torch::Tensor LinearMixer::project_out(const torch::Tensor& y) {
  return out_proj(detail::from_heads(divided_by_ones(y)));  // [B, T, C]
}

torch::Tensor LinearMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  const auto [q, k, v] = project(x, context.lengths);
  return project_out(context.causal ? linear_attention_chunked(q, k, v, {}, {}, options.chunk).y
                                    : linear_attention_full(q, k, v));  // Eq. 9; Eq. 5
}

std::map<std::string, torch::Tensor> LinearMixer::first_state(
    int64_t batch, const torch::TensorOptions& numbers) const {
  const int64_t D = options.d_model / options.heads;
  return {{"sums", torch::zeros({batch, options.heads, D, D + 1}, numbers)}};
}

torch::Tensor LinearMixer::advance(const torch::Tensor& x, MixerState& state,
                                   const torch::Tensor& counts) {
  const auto [q, k, v] = project(x, counts);
  auto& sums = state.tensors.at("sums");  // Eq. 18, 19: S and Z side by side
  const auto result = linear_attention_chunked(q, k, v, {}, sums, options.chunk);
  sums = result.state;
  return project_out(result.y);
}

MixerCost cost_of(const LinearMixerOptions& o, int64_t T, bool causal) {
  const int64_t H = o.heads, D = o.d_model / H;
  const auto C = double(o.d_model), length = double(T), sums = C * double(D + 1);
  const double mixing =
      causal ? linear_attention_operations(T, H, H, D, D + 1, o.chunk) : 4 * length * sums;
  return {.parameters = 4 * C * C + (o.bias ? 4 * C : 0),
          .operations = 8 * length * C * C + mixing,
          .state_values = sums};
}

}  // namespace zoo
