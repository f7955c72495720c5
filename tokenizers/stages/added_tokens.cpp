// Finds added tokens in a text.
#include "tokenizers/stages/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

uint8_t first_byte(std::string_view text) { return static_cast<uint8_t>(text[0]); }

bool begins_with_word(std::string_view text) {
  return !text.empty() && unicode::is_word(utf8::first(text).code);
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && unicode::is_word(utf8::last(text).code);
}

/// Start of the whitespace at the end of `text`.
size_t trimmed_end(std::string_view text) {
  while (!text.empty() && unicode::is_space(utf8::last(text).code)) {
    text.remove_suffix(utf8::last(text).size);
  }
  return text.size();
}

size_t leading_whitespace(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && unicode::is_space(utf8::first(text.substr(size)).code)) {
    size += utf8::first(text.substr(size)).size;
  }
  return size;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (const AddedToken& token : tokens_) {
    if (token.text.empty()) throw std::invalid_argument("added tokens: one has an empty text");
  }
  std::sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return std::tuple(first_byte(a.text), b.text.size(), std::string_view(a.text)) <
           std::tuple(first_byte(b.text), a.text.size(), std::string_view(b.text));
  });
  first_.assign(257, 0);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& text = tokens_[i].text;
    if (i > 0 && text == tokens_[i - 1].text) {
      throw std::invalid_argument(fmt::format("added tokens: '{}' is given twice", text));
    }
    first_[first_byte(text) + 1u] = i + 1;
  }
  for (size_t b = 1; b < first_.size(); ++b) first_[b] = std::max(first_[b], first_[b - 1]);
}

const AddedToken* AddedTokens::match(std::string_view text) const {
  const uint8_t byte = first_byte(text);
  for (size_t i = first_[byte]; i < first_[byte + 1u]; ++i) {
    if (text.starts_with(tokens_[i].text)) return &tokens_[i];
  }
  return nullptr;
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text) const {
  std::vector<Part> parts;
  size_t done = 0;  // everything before it is in a part already
  const auto flush = [&](size_t end) {
    if (end > done) parts.push_back({text.substr(done, end - done), done});
  };
  for (size_t i = 0; !empty() && i < text.size();) {
    const AddedToken* token = match(text.substr(i));
    if (token == nullptr) {
      ++i;
      continue;
    }
    size_t begin = i, end = i + token->text.size();
    i = end;
    const bool inside_word =
        ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end));
    if (token->single_word && inside_word) continue;
    if (token->lstrip) begin = std::max(trimmed_end(text.substr(0, begin)), done);
    if (token->rstrip) end += leading_whitespace(text.substr(end));
    if (begin >= end) continue;  // overlaps the previous match
    flush(begin);
    parts.push_back({text.substr(begin, end - begin), begin, token->id});
    done = end;
  }
  flush(text.size());
  return parts;
}

}  // namespace zoo
