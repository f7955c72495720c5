#include "train/data/answer_batch.h"

#include <algorithm>

#include "train/objectives/next_token.h"

namespace zoo {

AnswerBatch collate_answers(const SequencePairs& pairs, std::span<const int64_t> indices,
                            int64_t eos, int64_t pad) {
  int64_t longest = 0;  // T: the end is predicted, never read
  for (const int64_t i : indices)
    longest = std::max(longest, pairs.sources.length(i) + pairs.targets.length(i));
  const auto rows = std::ssize(indices);
  AnswerBatch batch{.tokens = torch::full({rows, longest}, pad, torch::kLong),
                    .targets = torch::full({rows, longest}, kIgnored, torch::kLong)};
  for (int64_t row = 0; row < rows; ++row) {
    auto* const tokens = batch.tokens.data_ptr<int64_t>() + row * longest;
    auto* const targets = batch.targets.data_ptr<int64_t>() + row * longest;
    const auto question = pairs.sources.at(indices[static_cast<size_t>(row)]);
    const auto answer = pairs.targets.at(indices[static_cast<size_t>(row)]);
    std::ranges::copy(answer, std::ranges::copy(question, tokens).out);
    // The question's last token predicts the answer's first.
    auto* const end = std::ranges::copy(answer, targets + std::ssize(question) - 1).out;
    *end = eos;
  }
  return batch;
}

}  // namespace zoo
