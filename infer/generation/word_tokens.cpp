#include "infer/generation/word_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/option_values.h"
#include "base/usage_error.h"

namespace zoo {
namespace {

std::vector<std::string> alternatives(const std::string& text) {
  std::vector<std::string> all;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('|', begin), text.size());
    all.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

}  // namespace

std::vector<std::vector<int64_t>> spellings(const Tokenizer& tokenizer, const std::string& word) {
  std::vector<std::vector<int64_t>> all;
  const auto add = [&](const std::string& text) {
    const auto ids = tokenizer.ids(text, {.add_special = false});
    if (!ids.empty()) all.emplace_back(ids.begin(), ids.end());
  };
  add(word);
  try {
    add(" " + word);
  } catch (const std::runtime_error&) {  // an alphabet without a space
  }
  return all;
}

std::vector<ForcedWord> forced_words(const Tokenizer& tokenizer,
                                     const std::vector<std::string>& texts) {
  std::vector<ForcedWord> words;
  for (const std::string& text : texts) {
    ForcedWord& word = words.emplace_back();
    for (const std::string& way : alternatives(text)) {
      for (auto& ids : spellings(tokenizer, way)) {
        const auto unknown = tokenizer.unk_id();
        if (!unknown || std::ranges::count(ids, *unknown) == 0) word.push_back(std::move(ids));
      }
    }
    if (word.empty()) {
      throw std::runtime_error(fmt::format(
          "--force-words: the tokenizer has no tokens for {}; leave it out", quote_text(text)));
    }
  }
  return words;
}

void check_forced_words(const std::vector<std::string>& texts, int64_t num_beams) {
  for (const std::string& text : texts) {
    if (std::ranges::any_of(alternatives(text), &std::string::empty))
      throw UsageError("--force-words must not be empty: name what shall be written");
  }
  if (!texts.empty() && num_beams < 2)
    throw UsageError("--force-words is for beam search; give --num-beams above 1");
}

}  // namespace zoo
