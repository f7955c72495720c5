// Finding added tokens in a text.
#include "tokenizers/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace zoo {

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.text.size() != b.text.size() ? a.text.size() > b.text.size() : a.text < b.text;
  });
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = tokens_[i].text;
    if (text.empty()) throw std::invalid_argument("added tokens: one has an empty text");
    if (i > 0 && text == tokens_[i - 1].text) {
      throw std::invalid_argument(fmt::format("added tokens: '{}' is given twice", text));
    }
    begins_[static_cast<uint8_t>(text[0])] = true;
  }
}

const AddedToken* AddedTokens::match(std::string_view text) const {
  for (const AddedToken& token : tokens_) {
    if (text.starts_with(token.text)) return &token;
  }
  return nullptr;
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text) const {
  std::vector<Part> parts;
  size_t begin = 0;  // of the stretch that no token has ended yet
  const auto flush = [&](size_t end) {
    if (end > begin) parts.push_back({text.substr(begin, end - begin), begin});
  };
  for (size_t i = 0; i < text.size();) {
    const AddedToken* token =
        begins_[static_cast<uint8_t>(text[i])] ? match(text.substr(i)) : nullptr;
    if (token == nullptr) {
      ++i;
      continue;
    }
    flush(i);
    parts.push_back({text.substr(i, token->text.size()), i, token->id});
    i += token->text.size();
    begin = i;
  }
  flush(text.size());
  return parts;
}

}  // namespace zoo
