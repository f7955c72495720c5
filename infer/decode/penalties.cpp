// Counts of the tokens so far, and what they take from the logits.
#include "infer/decode/penalties.h"

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
