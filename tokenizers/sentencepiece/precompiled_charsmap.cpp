// Four bytes with the size of a trie, the trie as a double array (darts-clone), then the
// replacements as C strings, which the trie's values point into.
#include "tokenizers/sentencepiece/precompiled_charsmap.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

uint32_t word_at(std::string_view bytes, size_t index) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value |= uint32_t{static_cast<uint8_t>(bytes[4 * index + i])} << (8 * i);
  }
  return value;
}

// One unit of the double array: how far the children lie, whether a value ends here, the label.
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t label_of(uint32_t unit) { return unit & (1u << 31 | 0xFFu); }
uint32_t value_of(uint32_t unit) { return unit & ~(1u << 31); }

}  // namespace

bool is_sound_charsmap(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  const size_t size = word_at(bytes, 0);
  bytes.remove_prefix(4);
  if (size == 0 || size % 4 != 0 || size >= bytes.size() || bytes.back() != '\0') return false;
  const size_t units = size / 4, replacements = bytes.size() - size;
  std::vector<bool> seen(units);
  std::vector<size_t> open;  // where the children of a state lie, state ^ label each
  const auto visit = [&](size_t children) {
    if ((children | 0xFF) >= units) return false;  // some byte would lead outside
    if (!seen[children]) open.push_back(children);
    seen[children] = true;
    return true;
  };
  if (!visit(offset_of(word_at(bytes, 0)))) return false;
  while (!open.empty()) {
    const size_t children = open.back();
    open.pop_back();
    for (uint32_t label = 0; label < 256; ++label) {
      const size_t state = children ^ label;
      const uint32_t unit = word_at(bytes, state);
      if (label_of(unit) != label) continue;
      const size_t next = state ^ offset_of(unit);
      if (!visit(next)) return false;
      if (has_value(unit) && value_of(word_at(bytes, next)) >= replacements) return false;
    }
  }
  return true;
}

PrecompiledCharsmap::PrecompiledCharsmap(std::string bytes) : bytes_(std::move(bytes)) {
  if (!is_sound_charsmap(bytes_)) {
    throw std::runtime_error("the precompiled charsmap is damaged; is the file whole?");
  }
  replacements_ = 4 + word_at(bytes_, 0);
  if (utf8::find_invalid(std::string_view(bytes_).substr(replacements_)) !=
      std::string_view::npos) {
    throw std::runtime_error("the precompiled charsmap has replacements that are not UTF-8");
  }
}

std::optional<std::string_view> PrecompiledCharsmap::replacement(std::string_view text) const {
  const std::string_view trie = std::string_view(bytes_).substr(4);
  size_t children = offset_of(word_at(trie, 0));
  for (const char byte : text) {
    const uint32_t label = static_cast<uint8_t>(byte);
    const size_t state = children ^ label;
    const uint32_t unit = word_at(trie, state);
    if (label == 0 || label_of(unit) != label) break;
    children = state ^ offset_of(unit);
    if (!has_value(unit)) continue;
    const std::string_view found(bytes_.data() + replacements_ + value_of(word_at(trie, children)));
    return found;
  }
  return std::nullopt;
}

}  // namespace zoo
