// All tokens at once: sorted into chunks. Step by step: against the codes of all tokens so far.
#include "models/mixers/reformer.h"

#include <c10/util/Exception.h>

#include "models/mixers/heads.h"

namespace zoo {

ReformerMixer::ReformerMixer(const ReformerOptions& options_)
    : TokenMixer(options_.d_model), options(options_) {
  const int64_t C = options.d_model;
  TORCH_CHECK(C > 0 && options.heads > 0 && C % options.heads == 0,
              "ReformerMixer: heads must divide d_model, got ", options.heads, " and ", C);
  TORCH_CHECK(options.rounds > 0 && options.chunk > 0,
              "ReformerMixer: rounds and chunk must be 1 or more, got ", options.rounds, " and ",
              options.chunk);
  const auto linear = [&](int64_t rows) {
    return torch::nn::Linear(torch::nn::LinearOptions(C, rows).bias(options.bias));
  };
  in_proj = register_module("in_proj", linear(2 * C));
  out_proj = register_module("out_proj", linear(C));
  directions = register_buffer("directions",
                               hash_directions(options.rounds, C / options.heads, options.buckets));
}

void ReformerMixer::redraw() {
  const torch::NoGradGuard no_grad;
  directions.copy_(
      hash_directions(options.rounds, options.d_model / options.heads, options.buckets));
}

LshOptions ReformerMixer::lsh(bool causal) const {
  return {.buckets = options.buckets, .chunk = options.chunk, .causal = causal};
}

torch::Tensor ReformerMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  const auto parts = in_proj(x).chunk(2, -1);
  const auto q = detail::into_heads(parts[0], options.heads);  // [B, H, T, Dh]
  const auto v = detail::into_heads(parts[1], options.heads);  // [B, H, T, Dh]
  const auto buckets = lsh_buckets(q, directions, options.buckets);
  return out_proj(
      detail::from_heads(lsh_attention(q, v, buckets, lsh(context.causal), context.lengths)));
}

std::map<std::string, torch::Tensor> ReformerMixer::first_state(
    int64_t batch, const torch::TensorOptions& numbers) const {
  const int64_t H = options.heads, Dh = options.d_model / H, R = options.rounds;
  const auto indices = numbers.dtype(torch::kLong);
  return {{"keys", torch::zeros({batch, H, 0, Dh}, numbers)},
          {"values", torch::zeros({batch, H, 0, Dh}, numbers)},
          {"codes", torch::zeros({batch, H, R, 0}, indices)},
          {"counts", torch::zeros({batch, H, R, options.buckets}, indices)}};
}

torch::Tensor ReformerMixer::advance(const torch::Tensor& x, MixerState& state,
                                     const torch::Tensor& counts) {
  const auto parts = in_proj(x).chunk(2, -1);
  const auto q = detail::into_heads(parts[0], options.heads);  // [B, H, T, Dh]
  const auto v = detail::into_heads(parts[1], options.heads);  // [B, H, T, Dh]
  const auto buckets = lsh_buckets(q, directions, options.buckets);
  auto& kept = state.tensors;
  const bool first = kept.at("keys").size(2) == 0;
  const auto added = lsh_codes(buckets, lsh(true), counts, kept.at("counts"));
  const auto append = [&](const char* name, const torch::Tensor& more, int64_t dim) {
    kept.at(name) = torch::cat({kept.at(name), more}, dim);
  };
  append("keys", as_keys(q), 2);
  append("values", v, 2);
  append("codes", added.codes, 3);
  kept.at("counts") = added.counts;
  // A prompt costs what forward() costs.
  return out_proj(detail::from_heads(
      first ? lsh_attention(q, v, buckets, lsh(true), counts)
            : lsh_attention_of_last(q, kept.at("keys"), kept.at("values"), kept.at("codes"))));
}

MixerCost cost_of(const ReformerOptions& o, int64_t T, bool causal) {
  const int64_t H = o.heads, Dh = o.d_model / H;
  const auto C = double(o.d_model), R = double(o.rounds);
  const LshOptions lsh{.buckets = o.buckets, .chunk = o.chunk, .causal = causal};
  return {
      .parameters = 3 * C * C + (o.bias ? 3 * C : 0),
      .operations = 6 * double(T) * C * C + double(H) * lsh_operations(T, o.rounds, Dh, Dh, lsh),
      .state_values = double(H) * R * double(o.buckets),
      .token_values = 2 * C + double(H) * R};
}

}  // namespace zoo
