#include "tokenizers/token_label.h"

#include "tokenizers/text/utf8.h"

namespace zoo {

std::string token_label(const Tokenizer& tokenizer, int64_t id) {
  constexpr size_t kLongest = 8;  // characters
  const std::string text = utf8::replace_invalid(tokenizer.bytes_of(static_cast<int32_t>(id)));
  std::string label;
  size_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) {
    const auto c = utf8::first(std::string_view(text).substr(at));
    if (count == kLongest) return label + "…";
    if (c.code == ' ') {
      label += "␣";
    } else if (c.code == '\n') {
      label += "⏎";
    } else if (c.code == '\t') {
      label += "⇥";
    } else {
      label += text.substr(at, c.size);
    }
    at += c.size;
  }
  return label.empty() ? "∅" : label;
}

}  // namespace zoo
