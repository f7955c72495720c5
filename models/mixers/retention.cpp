// One path for training and for generation: forward is a step from the empty state.
#include "models/mixers/retention.h"

#include <ATen/ops/rms_norm.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "models/mixers/heads.h"
#include "models/positions/rotary.h"

namespace zoo {

torch::Tensor retention_log_decays(int64_t heads) {
  const auto h = torch::arange(heads, torch::kLong).to(torch::kDouble);
  return torch::log1p(-torch::pow(2.0, -5.0 - h));  // [H]
}

RetentionMixer::RetentionMixer(const RetentionOptions& options_)
    : TokenMixer(options_.d_model), options(options_) {
  const int64_t C = options.d_model, H = options.heads;
  TORCH_CHECK(C > 0 && H > 0 && C % (2 * H) == 0,
              "RetentionMixer: d_model must be a multiple of 2 heads (the width of a head is "
              "even), got ",
              C, " and ", H, " heads");
  TORCH_CHECK(options.chunk > 0 && options.expand > 0,
              "RetentionMixer: chunk and expand must be 1 or more, got ", options.chunk, " and ",
              options.expand);
  const auto linear = [&](int64_t in, int64_t out) {
    return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(options.bias));
  };
  in_proj = register_module("in_proj", linear(C, 2 * C * (1 + options.expand)));
  out_proj = register_module("out_proj", linear(options.expand * C, C));
  log_decays_ = retention_log_decays(H);
}

torch::Tensor RetentionMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  MixerState state = make_state(x.size(0), x.options().requires_grad(false));
  return advance(x, state, context.lengths);
}

std::map<std::string, torch::Tensor> RetentionMixer::first_state(
    int64_t batch, const torch::TensorOptions& numbers) const {
  const int64_t H = options.heads, Dk = options.d_model / H;
  return {{"sums", torch::zeros({batch, H, Dk, options.expand * Dk}, numbers)}};
}

torch::Tensor RetentionMixer::advance(const torch::Tensor& x, MixerState& state,
                                      const torch::Tensor& counts) {
  const int64_t C = options.d_model, H = options.heads, T = x.size(1), Dv = options.expand * C / H;
  const auto parts =
      in_proj(x).split_with_sizes({C, C, options.expand * C, options.expand * C}, -1);
  const auto positions =
      state.lengths.unsqueeze(1) + torch::arange(T, state.lengths.options());  // [B, T]
  const auto rotation = RotaryPosition(C / H).rotation(positions.to(x.device()));
  const auto heads = [&](size_t n) { return detail::into_heads(parts[n], H); };
  const auto q = rotate(heads(0), rotation);  // Theta_n of Eq. 5: [B, H, T, Dk]
  const auto k = detail::without_padding(rotate(heads(1), rotation), counts) /
                 std::sqrt(static_cast<double>(C / H));
  auto decay = log_decays_.to(x.device(), x.scalar_type()).view({1, H, 1, 1});
  if (counts.defined())  // padding leaves the state as it is
    decay = detail::without_padding(decay.expand({x.size(0), H, T, 1}), counts);
  auto& sums = state.tensors.at("sums");
  const auto result = linear_attention_chunked(q, k, heads(2), decay, sums, options.chunk);
  sums = result.state;
  const auto y = at::rms_norm(result.y, {Dv}, {}, options.epsilon);  // [B, H, T, Dv]
  return out_proj(detail::from_heads(y) * torch::silu(parts[3]));    // Eq. 8: [B, T, C]
}

MixerCost cost_of(const RetentionOptions& o, int64_t T, bool /*causal*/) {
  const int64_t H = o.heads, Dk = o.d_model / H;
  const auto C = double(o.d_model), E = double(o.expand);
  return {.parameters = C * C * (2 + 3 * E) + (o.bias ? C * (3 + 2 * E) : 0),
          .operations = double(T) * C * C * (4 + 6 * E) +
                        linear_attention_operations(T, H, H, Dk, o.expand * Dk, o.chunk),
          .state_values = C * E * double(Dk)};
}

}  // namespace zoo
