// A needle in a haystack: one digit among letters, at each depth of texts of each length, for a
// model that has learned to name it (train_gpt --task needle). After Kamradt 2023
// (github.com/gkamradt/LLMTest_NeedleInAHaystack).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/gpt/gpt.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct NeedleTest {
  std::vector<int64_t> lengths = {};  ///< letters and the digit
  int64_t depths = 9;                 ///< places, from the beginning to the end
  int64_t texts = 40;                 ///< of each length and depth
  uint64_t seed = 1;
};

/// Eight lengths, the last of which fills the model's context with its question and answer.
std::vector<int64_t> needle_lengths(const GptImpl& model, const Tokenizer& tokenizer);

/// "0 %" for the beginning to "100 %" for the end.
std::vector<std::string> needle_depths(const NeedleTest& test);

/// Share of right answers: [depths, lengths] double. Throws std::runtime_error where the tokenizer
/// lacks digits, letters or "=".
torch::Tensor needle_accuracy(GptImpl& model, const Tokenizer& tokenizer, const NeedleTest& test);

}  // namespace zoo
