// Texts with a digit at a given place, and what the model says after "=".
#include "infer/analysis/needle.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string_view>

#include "infer/generation/language_model.h"

namespace zoo {
namespace {

constexpr std::string_view kNeedles = "0123456789";
constexpr int64_t kLengths = 8;

std::string letters_of(const Tokenizer& tokenizer) {
  std::string letters;
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if (tokenizer.id_of(std::string(1, c))) letters += c;
  bool asks = !letters.empty() && tokenizer.id_of("=");
  for (const char c : kNeedles) asks = asks && tokenizer.id_of(std::string(1, c));
  if (asks) return letters;
  throw std::runtime_error(
      "needle hides a digit among letters: the model's tokenizer needs letters, digits and \"=\"; "
      "train one with train_gpt --task needle");
}

int64_t place_of(int64_t depth, const NeedleTest& test, int64_t length) {
  return test.depths > 1 ? depth * (length - 1) / (test.depths - 1) : length - 1;
}

}  // namespace

std::vector<int64_t> needle_lengths(const GptImpl& model, const Tokenizer& tokenizer) {
  const int64_t around =
      std::ssize(encode_prompt(tokenizer, letters_of(tokenizer).substr(0, 1))) - 1;
  const int64_t longest = model.options.context - around - 2;  // "=" and the answer
  if (longest < kLengths)
    throw std::runtime_error(fmt::format(
        "needle needs a context of {} tokens at least, the model's is {}; raise --context",
        kLengths + around + 2, model.options.context));
  std::vector<int64_t> lengths;
  for (int64_t n = 1; n <= kLengths; ++n) lengths.push_back(longest * n / kLengths);
  return lengths;
}

std::vector<std::string> needle_depths(const NeedleTest& test) {
  std::vector<std::string> labels;
  for (int64_t d = 0; d < test.depths; ++d)
    labels.push_back(fmt::format("{} %", test.depths > 1 ? 100 * d / (test.depths - 1) : 100));
  return labels;
}

torch::Tensor needle_accuracy(GptImpl& model, const Tokenizer& tokenizer, const NeedleTest& test) {
  const torch::NoGradGuard no_grad;
  const auto device = model.token_embedding->weight.device();
  const std::string letters = letters_of(tokenizer);
  std::mt19937_64 random(test.seed);
  auto right = torch::zeros({test.depths, std::ssize(test.lengths)}, torch::kDouble);
  for (size_t n = 0; n < test.lengths.size(); ++n) {
    for (int64_t d = 0; d < test.depths; ++d) {
      std::vector<torch::Tensor> texts;
      std::vector<int64_t> answers;
      for (int64_t i = 0; i < test.texts; ++i) {
        std::string text(static_cast<size_t>(test.lengths[n]), ' ');
        for (char& c : text) c = letters[random() % letters.size()];
        const char needle = kNeedles[random() % kNeedles.size()];
        text[static_cast<size_t>(place_of(d, test, test.lengths[n]))] = needle;
        texts.push_back(torch::tensor(encode_prompt(tokenizer, text + "="), torch::kLong));
        answers.push_back(*tokenizer.id_of(std::string(1, needle)));
      }
      const auto hidden = model.hidden(torch::stack(texts).to(device));  // [B, T, C]
      const auto said = model.logits_of(hidden.select(1, hidden.size(1) - 1)).argmax(-1).cpu();
      right[d][static_cast<int64_t>(n)] =
          said.eq(torch::tensor(answers, torch::kLong)).to(torch::kDouble).mean();
    }
  }
  return right;
}

}  // namespace zoo
