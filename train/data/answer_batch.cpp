#include "train/data/answer_batch.h"

#include <vector>

#include "models/batching/padding.h"
#include "train/objectives/token_loss.h"

namespace zoo {

AnswerBatch collate_answers(const SequencePairs& pairs, std::span<const int64_t> indices,
                            const AnswerTokens& special) {
  std::vector<std::vector<int64_t>> tokens, targets;
  for (const int64_t i : indices) {
    const auto question = pairs.sources.at(i), answer = pairs.targets.at(i);
    auto& read = tokens.emplace_back(question.begin(), question.end());
    read.insert(read.end(), answer.begin(), answer.end());
    // The question's last token predicts the answer's first. The end is predicted, never read.
    auto& predicted = targets.emplace_back(question.size() - 1, kIgnored);
    for (size_t n = 1; n < predicted.size(); ++n)
      if (special.asks == question[n - 1]) predicted[n] = question[n + 1];
    predicted.insert(predicted.end(), answer.begin(), answer.end());
    predicted.push_back(special.eos);
  }
  return {.tokens = pad_rows(tokens, {.filler = special.pad}),  // [B, T]
          .targets = pad_rows(targets, {.filler = kIgnored})};  // [B, T]
}

}  // namespace zoo
