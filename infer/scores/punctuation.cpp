#include "infer/scores/punctuation.h"

#include <utility>

#include "tokenizers/text/utf8.h"

namespace zoo {

bool is_ascii_digit(char32_t code) { return code >= U'0' && code <= U'9'; }

std::u32string part_signs(std::u32string_view text) {
  constexpr std::u32string_view signs = U"!\"#$%&()*+/:;<=>?@[\\]^_`{|}~";
  return part_off(text, [&](char32_t c) { return signs.find(c) != std::u32string_view::npos; });
}

std::u32string part_stops(std::u32string_view text) {
  const auto is_stop = [](char32_t c) { return c == U'.' || c == U','; };
  const auto is_no_digit = [](char32_t c) { return !is_ascii_digit(c); };
  const auto is_hyphen = [](char32_t c) { return c == U'-'; };
  std::u32string parted = part_pairs(text, is_no_digit, is_stop, Outside::kBehind);
  parted = part_pairs(parted, is_stop, is_no_digit, Outside::kBefore);
  return part_pairs(parted, is_ascii_digit, is_hyphen, Outside::kBehind);
}

std::string without_entities(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> entities[] = {
      {"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}};
  for (const auto& [from, to] : entities) text = utf8::replace_all(text, from, to);
  return text;
}

}  // namespace zoo
