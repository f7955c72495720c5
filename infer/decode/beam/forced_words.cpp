#include "infer/decode/beam/forced_words.h"

#include <algorithm>

namespace zoo {
namespace {

using Ids = std::span<const int64_t>;

bool holds(Ids text, const ForcedWord& word) {
  return std::ranges::any_of(word, [&](const auto& ids) {
    return std::search(text.begin(), text.end(), ids.begin(), ids.end()) != text.end();
  });
}

/// How many of the first ids are the text's last.
size_t begun(Ids text, Ids ids) {
  size_t count = std::min(text.size(), ids.size());
  while (!std::ranges::equal(text.last(count), ids.first(count))) --count;
  return count;
}

int64_t shortest(const ForcedWord& word) {
  return std::ssize(*std::ranges::min_element(word, {}, &std::vector<int64_t>::size));
}

}  // namespace

int64_t missing_tokens(std::span<const ForcedWord> words, Ids text) {
  int64_t sum = 0, saved = 0;  // one word at most has begun
  for (const ForcedWord& word : words) {
    if (holds(text, word)) continue;
    sum += shortest(word);
    for (const auto& ids : word) {
      const auto rest = std::ssize(ids) - static_cast<int64_t>(begun(text, ids));
      saved = std::max(saved, shortest(word) - rest);
    }
  }
  return sum - saved;
}

std::vector<int64_t> tokens_towards(std::span<const ForcedWord> words, Ids text) {
  std::vector<int64_t> tokens;
  for (const ForcedWord& word : words) {
    if (holds(text, word)) continue;
    for (const auto& ids : word) tokens.push_back(ids[begun(text, ids)]);
  }
  return tokens;
}

}  // namespace zoo
