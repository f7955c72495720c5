// Counts of the tokens so far, and what they take from the logits.
#include "infer/decode/penalties.h"

#include <algorithm>
#include <cmath>

namespace zoo {

torch::Tensor count_tokens(Rows rows, int64_t vocab_size, bool generated_only) {
  auto counts = torch::zeros({std::ssize(rows), vocab_size});  // [B, V]
  float* count = counts.data_ptr<float>();
  for (const RowTokens& row : rows) {
    for (const int64_t id : generated_only ? row.generated() : std::span(row.all)) {
      if (id < vocab_size) count[id] += 1;
    }
    count += vocab_size;
  }
  return counts;
}

torch::Tensor tokens_of_sources(Rows rows, int64_t vocab_size) {
  auto there = torch::zeros({std::ssize(rows), vocab_size}, torch::kBool);  // [B, V]
  bool* is_there = there.data_ptr<bool>();
  for (const RowTokens& row : rows) {
    for (const int64_t id : row.source) {
      if (id < vocab_size) is_there[id] = true;
    }
    is_there += vocab_size;
  }
  return there;
}

torch::Tensor add_sequence_bias(const torch::Tensor& logits, Rows rows,
                                std::span<const SequenceBias> biases) {
  auto sums = torch::zeros(logits.sizes());  // [B, V], on the CPU
  float* sum = sums.data_ptr<float>();
  for (const RowTokens& row : rows) {
    for (const SequenceBias& biased : biases) {
      const auto before = std::span(biased.tokens).first(biased.tokens.size() - 1);
      const bool stands = row.all.size() >= before.size() &&
                          std::ranges::equal(std::span(row.all).last(before.size()), before);
      if (stands) sum[biased.tokens.back()] += static_cast<float>(biased.bias);
    }
    sum += logits.size(1);
  }
  return logits + sums.to(logits.device());
}

torch::Tensor favour_ends(const torch::Tensor& logits, Rows rows, std::span<const int64_t> ends,
                          const ExponentialDecay& decay) {
  auto result = logits.clone();
  for (size_t b = 0; b < rows.size(); ++b) {
    const int64_t past = std::ssize(rows[b].generated()) - decay.start;
    if (past <= 0) continue;
    const double factor = std::pow(decay.factor, static_cast<double>(past)) - 1;
    for (const int64_t id : ends) {
      if (id < 0 || id >= logits.size(1)) continue;
      auto score = result[static_cast<int64_t>(b)][id];
      if (score.isfinite().item<bool>()) score += score.abs() * factor;
    }
  }
  return result;
}

torch::Tensor penalise_repetition(const torch::Tensor& logits, const torch::Tensor& seen,
                                  double penalty) {
  const auto less_likely = torch::where(logits.lt(0), logits * penalty, logits / penalty);
  return torch::where(seen, less_likely, logits);
}

torch::Tensor penalise_presence_and_frequency(const torch::Tensor& logits,
                                              const torch::Tensor& counts, double presence,
                                              double frequency) {
  return logits - counts * frequency - counts.gt(0) * presence;
}

}  // namespace zoo
