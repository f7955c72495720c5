// State spaces as linear attention, and the block around them.
#include "models/mixers/ssd.h"

#include <ATen/ops/rms_norm.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "models/mixers/heads.h"

namespace zoo {
namespace {

struct DualInputs {
  torch::Tensor v, log_decay;
};

DualInputs dual_of(const SsdInputs& in) {
  const auto rate = in.A.view({1, -1, 1});
  return {.v = in.x * in.dt.unsqueeze(-1),             // [B, H, T, P]
          .log_decay = (in.dt * rate).unsqueeze(-1)};  // [B, H, T, 1]
}

torch::Tensor with_skip(const torch::Tensor& y, const SsdInputs& in) {
  return in.D.defined() ? y + in.x * in.D.view({1, -1, 1, 1}) : y;
}

}  // namespace

LinearAttentionResult ssd_chunked(const SsdInputs& in, const torch::Tensor& state, int64_t chunk) {
  const auto [v, log_decay] = dual_of(in);
  auto result = linear_attention_chunked(in.C, in.B, v, log_decay, state, chunk);
  return {with_skip(result.y, in), result.state};
}

LinearAttentionResult ssd_recurrent(const SsdInputs& in, const torch::Tensor& state) {
  const auto [v, log_decay] = dual_of(in);
  auto result = linear_attention_recurrent(in.C, in.B, v, log_decay, state);
  return {with_skip(result.y, in), result.state};
}

torch::Tensor ssd_parallel(const SsdInputs& in) {
  const auto [v, log_decay] = dual_of(in);
  return with_skip(linear_attention_parallel(in.C, in.B, v, log_decay), in);
}

torch::Tensor causal_convolution(const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias) {
  const int64_t K = weight.size(1), T = x.size(1) - K + 1;
  auto y = bias.expand({x.size(0), T, x.size(2)});
  for (int64_t j = 0; j < K; ++j) y = torch::addcmul(y, x.narrow(1, j, T), weight.select(1, j));
  return y;  // [B, T, C]
}

SsdMixer::SsdMixer(const SsdOptions& options_)
    : TokenMixer(options_.d_model), options(options_), inner(options_.expand * options_.d_model) {
  const auto& o = options;
  TORCH_CHECK(inner > 0 && o.heads > 0 && inner % o.heads == 0,
              "SsdMixer: heads must divide the inner width (expand d_model), got ", o.heads,
              " and ", inner);
  TORCH_CHECK(o.groups > 0 && o.heads % o.groups == 0, "SsdMixer: groups must divide heads, got ",
              o.groups, " and ", o.heads);
  TORCH_CHECK(o.state > 0 && o.convolution > 0 && o.chunk > 0,
              "SsdMixer: state, convolution and chunk must be 1 or more, got ", o.state, ", ",
              o.convolution, " and ", o.chunk);
  const auto linear = [&](int64_t in, int64_t out) {
    return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(o.bias));
  };
  in_proj = register_module("in_proj", linear(o.d_model, inner + convolved() + o.heads));
  const double bound = 1.0 / std::sqrt(static_cast<double>(o.convolution));
  convolution_weight = register_parameter(
      "convolution_weight", torch::empty({convolved(), o.convolution}).uniform_(-bound, bound));
  convolution_bias = register_parameter("convolution_bias", torch::zeros({convolved()}));
  // The first dt, whatever the input: softplus(step_bias).
  const auto steps =
      torch::empty({o.heads}).uniform_(std::log(o.least_step), std::log(o.largest_step)).exp();
  step_bias = register_parameter("step_bias", torch::log(torch::expm1(steps)));
  log_rate = register_parameter("log_rate", torch::empty({o.heads}).uniform_(1.0, 16.0).log());
  skip = register_parameter("skip", torch::ones({o.heads}));
  norm_weight = register_parameter("norm_weight", torch::ones({inner}));
  out_proj = register_module("out_proj", linear(inner, o.d_model));
}

torch::Tensor SsdMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  MixerState state = make_state(x.size(0), x.options().requires_grad(false));
  return advance(x, state, context.lengths);
}

std::map<std::string, torch::Tensor> SsdMixer::first_state(
    int64_t batch, const torch::TensorOptions& numbers) const {
  const auto& o = options;
  return {{"sums", torch::zeros({batch, o.heads, o.state, inner / o.heads}, numbers)},
          {"window", torch::zeros({batch, o.convolution - 1, convolved()}, numbers)}};
}

/// u [B, T, I + 2 G N] -> the same after the convolution; `window` becomes the last K - 1 real
/// tokens of each row.
torch::Tensor SsdMixer::convolve(const torch::Tensor& u, torch::Tensor& window,
                                 const torch::Tensor& counts) const {
  const int64_t before = options.convolution - 1;
  const auto extended = torch::cat({window, u}, 1);  // [B, K - 1 + T, I + 2 G N]
  if (!counts.defined()) {
    window = extended.narrow(1, u.size(1), before);
  } else {
    const auto at = counts.to(u.device()).unsqueeze(1) +
                    torch::arange(before, counts.options().device(u.device()));  // [B, K - 1]
    window = extended.gather(1, at.unsqueeze(-1).expand({-1, -1, u.size(2)}));
  }
  return torch::silu(causal_convolution(extended, convolution_weight, convolution_bias));
}

torch::Tensor SsdMixer::advance(const torch::Tensor& x, MixerState& state,
                                const torch::Tensor& counts) {
  const auto& o = options;
  const int64_t bc = o.groups * o.state;
  const auto parts = in_proj(x).split_with_sizes({inner, convolved(), o.heads}, -1);
  const auto mixed =
      convolve(parts[1], state.tensors.at("window"), counts).split_with_sizes({inner, bc, bc}, -1);
  const auto dt = torch::softplus(parts[2] + step_bias).transpose(1, 2);  // [B, H, T]
  auto& sums = state.tensors.at("sums");
  const auto result =
      ssd_chunked({.x = detail::into_heads(mixed[0], o.heads),
                   .dt = detail::without_padding(dt.unsqueeze(-1), counts).squeeze(-1),
                   .A = -log_rate.exp(),
                   .B = detail::into_heads(mixed[1], o.groups),
                   .C = detail::into_heads(mixed[2], o.groups),
                   .D = skip},
                  sums, o.chunk);
  sums = result.state;
  // As in the authors' code, the channels of each group of heads are normalised by themselves.
  const auto gated = (detail::from_heads(result.y) * torch::silu(parts[0]))
                         .unflatten(-1, {o.groups, inner / o.groups});  // [B, T, G, I / G]
  const auto normal = at::rms_norm(gated, {inner / o.groups}, {}, o.epsilon).flatten(2);
  return out_proj(normal * norm_weight);  // [B, T, d]
}

MixerCost cost_of(const SsdOptions& o, int64_t T, bool /*causal*/) {
  const int64_t inner = o.expand * o.d_model;
  const auto C = double(o.d_model), I = double(inner), H = double(o.heads),
             K = double(o.convolution);
  const double convolved = I + 2 * double(o.groups) * double(o.state), rows = I + convolved + H;
  return {.parameters = C * (rows + I) + convolved * (K + 1) + 3 * H + I + (o.bias ? rows + C : 0),
          .operations =
              2 * double(T) * C * (rows + I) +
              linear_attention_operations(T, o.groups, o.heads, o.state, inner / o.heads, o.chunk),
          .state_values = I * double(o.state) + (K - 1) * convolved};
}

}  // namespace zoo
