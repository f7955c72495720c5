// One path for training and for generation: forward is a step from the empty state.
#include "models/mixers/gla.h"

#include <ATen/ops/rms_norm.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "models/mixers/heads.h"

namespace zoo {

GlaMixer::GlaMixer(const GlaOptions& options_) : TokenMixer(options_.d_model), options(options_) {
  const int64_t C = options.d_model, H = options.heads;
  TORCH_CHECK(C > 0 && H > 0 && C % (2 * H) == 0,
              "GlaMixer: d_model must be a multiple of 2 heads (keys are half as wide), got ", C,
              " and ", H, " heads");
  TORCH_CHECK(options.chunk > 0 && options.gate_rank > 0 && options.temperature > 0,
              "GlaMixer: chunk, gate rank and temperature must be positive, got ", options.chunk,
              ", ", options.gate_rank, " and ", options.temperature);
  const auto linear = [](int64_t in, int64_t out, bool bias) {
    return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias));
  };
  in_proj = register_module("in_proj", linear(C, 3 * C, options.bias));
  gate_down = register_module("gate_down", linear(C, options.gate_rank, false));
  gate_up = register_module("gate_up", linear(options.gate_rank, C / 2, true));
  norm_weight = register_parameter("norm_weight", torch::ones({C / H}));
  out_proj = register_module("out_proj", linear(C, C, options.bias));
}

torch::Tensor GlaMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  MixerState state = make_state(x.size(0), x.options().requires_grad(false));
  return advance(x, state, context.lengths);
}

std::map<std::string, torch::Tensor> GlaMixer::first_state(
    int64_t batch, const torch::TensorOptions& numbers) const {
  const int64_t H = options.heads, Dv = options.d_model / H;
  return {{"sums", torch::zeros({batch, H, Dv / 2, Dv}, numbers)}};
}

torch::Tensor GlaMixer::advance(const torch::Tensor& x, MixerState& state,
                                const torch::Tensor& counts) {
  const int64_t C = options.d_model, H = options.heads;
  const auto parts = in_proj(x).split_with_sizes({C / 2, C / 2, C, C}, -1);
  const auto heads = [&](const torch::Tensor& t) { return detail::into_heads(t, H); };
  const auto q = heads(parts[0]) / std::sqrt(static_cast<double>(C / (2 * H)));  // [B, H, T, Dk]
  const auto k = detail::without_padding(heads(parts[1]), counts);               // [B, H, T, Dk]
  const auto log_alpha =
      heads(torch::log_sigmoid(gate_up(gate_down(x)))) / options.temperature;  // §4.4
  const auto decay = detail::without_padding(log_alpha, counts);               // [B, H, T, Dk]
  auto& sums = state.tensors.at("sums");
  const auto result = linear_attention_chunked(q, k, heads(parts[2]), decay, sums, options.chunk);
  sums = result.state;
  const auto y = at::rms_norm(result.y, {C / H}, norm_weight, options.epsilon);  // [B, H, T, Dv]
  return out_proj(detail::from_heads(y) * torch::silu(parts[3]));                // [B, T, C]
}

MixerCost cost_of(const GlaOptions& o, int64_t T, bool /*causal*/) {
  const int64_t H = o.heads, Dv = o.d_model / H;
  const auto C = double(o.d_model), R = double(o.gate_rank);
  return {.parameters = 4 * C * C + 1.5 * C * R + C / 2 + double(Dv) + (o.bias ? 4 * C : 0),
          .operations = double(T) * (8 * C * C + 3 * C * R) +
                        linear_attention_operations(T, H, H, Dv / 2, Dv, o.chunk, true),
          .state_values = C * double(Dv) / 2};
}

}  // namespace zoo
