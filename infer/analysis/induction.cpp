#include "infer/analysis/induction.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/layers/stack.h"

namespace zoo {
namespace {

/// [L, most numbers of a row], NaN beyond a row's.
torch::Tensor padded_rows(const std::vector<torch::Tensor>& rows) {
  int64_t most = 0;
  for (const auto& row : rows) most = std::max(most, row.size(0));
  auto table = rows.front().new_full({std::ssize(rows), most}, std::nan(""));
  for (size_t n = 0; n < rows.size(); ++n)
    table[static_cast<int64_t>(n)].slice(0, 0, rows[n].size(0)).copy_(rows[n]);
  return table;
}

}  // namespace

InductionScores induction_scores(GptImpl& model, int64_t length, int64_t sequences, uint64_t seed) {
  const GptOptions& o = model.options;
  if (length < 2 || 2 * length > o.context) {
    throw std::invalid_argument(
        fmt::format("--length {}: twice that many tokens must fit the model's context of {}, and "
                    "be 4 at least",
                    length, o.context));
  }
  const torch::NoGradGuard no_grad;
  const auto device = model.token_embedding->weight.device();
  const auto once = torch::randint(o.vocab_size, {sequences, length},
                                   at::detail::createCPUGenerator(seed), torch::kLong);
  const auto tokens = torch::cat({once, once}, 1).to(device);  // [B, T], T = 2 length
  Trace trace{.attentions = true, .tensors = {}};
  require_softmax_attention(model.blocks);
  const auto hidden = model.hidden(tokens, {.trace = &trace});                  // [B, T, C]
  const auto scores = model.logits_of(hidden).slice(1, 0, -1).log_softmax(-1);  // [B, T - 1, V]
  const auto bits =
      -scores.gather(-1, tokens.slice(1, 1).unsqueeze(-1)).squeeze(-1) / std::log(2.0);
  std::vector<torch::Tensor> layers;
  for (int64_t n = 0; n < o.layers; ++n) {
    const auto& weights = trace.tensors.at("attentions." + std::to_string(n));  // [B, H, T, T]
    // Query t has its first occurrence at t - length, and what came then at t - length + 1.
    const auto after_first = weights.diagonal(1 - length, -2, -1);  // [B, H, length + 1]
    layers.push_back(after_first.slice(-1, 1).to(torch::kDouble).mean({0, 2}));  // [H]
  }
  return {.heads = padded_rows(layers).cpu(),
          .first_loss = bits.slice(1, 0, length - 1).mean().item<double>(),
          .second_loss = bits.slice(1, length).mean().item<double>()};
}

}  // namespace zoo
