// Two products along the length, then attention as everywhere.
#include "models/mixers/linformer.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "models/attention/attend.h"
#include "models/mixers/heads.h"

namespace zoo {

torch::Tensor linformer_attention(const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v, const torch::Tensor& E,
                                  const torch::Tensor& F, const torch::Tensor& lengths,
                                  const std::string& kernel) {
  const int64_t S = k.size(2);
  TORCH_CHECK(E.dim() == 2 && E.sizes() == F.sizes(),
              "linformer: E and F must be [projected, positions] of one shape, got ", E.sizes(),
              " and ", F.sizes());
  TORCH_CHECK(S <= E.size(1), "linformer: the text must be at most ", E.size(1),
              " tokens long (positions), got ", S);
  const auto project = [&](const torch::Tensor& matrix, const torch::Tensor& t) {
    return torch::matmul(matrix.narrow(1, 0, S), detail::without_padding(t, lengths));
  };
  return attend(kernel, q, project(E, k), project(F, v));  // Eq. 7: [B, H, T, Dh]
}

namespace {

int64_t usual_length(int64_t positions) { return std::max<int64_t>(1, positions / 4); }

}  // namespace

LinformerMixer::LinformerMixer(const LinformerOptions& options_)
    : TokenMixer(options_.d_model), options(options_) {
  const int64_t C = options.d_model, N = options.positions;
  TORCH_CHECK(C > 0 && options.heads > 0 && C % options.heads == 0,
              "LinformerMixer: heads must divide d_model, got ", options.heads, " and ", C);
  TORCH_CHECK(N > 0, "LinformerMixer: positions (the longest text) must be 1 or more, got ", N);
  TORCH_CHECK(options.projected >= 0, "LinformerMixer: projected must be 0 or more, got ",
              options.projected);
  if (options.projected == 0) options.projected = usual_length(N);
  const auto linear = [&](int64_t rows) {
    return torch::nn::Linear(torch::nn::LinearOptions(C, rows).bias(options.bias));
  };
  in_proj = register_module("in_proj", linear(3 * C));
  out_proj = register_module("out_proj", linear(C));
  // Variance 1 / K: projected keys are as long as keys (Theorem 1's random projection).
  const double std = 1.0 / std::sqrt(static_cast<double>(options.projected));
  const auto matrix = [&] { return torch::randn({options.projected, N}) * std; };
  key_projection = register_parameter("key_projection", matrix());
  value_projection = register_parameter("value_projection", matrix());
}

torch::Tensor LinformerMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  const auto parts = in_proj(x).chunk(3, -1);
  const auto heads = [&](size_t n) { return detail::into_heads(parts[n], options.heads); };
  return out_proj(
      detail::from_heads(linformer_attention(heads(0), heads(1), heads(2), key_projection,
                                             value_projection, context.lengths, options.kernel)));
}

// A mixer that cannot look back only has no state: make_state() says so.
std::map<std::string, torch::Tensor> LinformerMixer::first_state(
    int64_t, const torch::TensorOptions&) const {
  return {};
}

torch::Tensor LinformerMixer::advance(const torch::Tensor& x, MixerState&, const torch::Tensor&) {
  TORCH_CHECK(false, "mixer 'linformer': cannot look back only (causal), so it cannot step");
  return x;
}

MixerCost cost_of(const LinformerOptions& o, int64_t T, bool /*causal*/) {
  const auto C = double(o.d_model), length = double(T);
  const auto K = double(o.projected > 0 ? o.projected : usual_length(o.positions));
  return {.parameters = 4 * C * C + 2 * K * double(o.positions) + (o.bias ? 4 * C : 0),
          .operations = 8 * length * C * C + 8 * length * C * K};
}

}  // namespace zoo
