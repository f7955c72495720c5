// Format: four bytes with the size of a trie, the trie, then the replacements.
#include "tokenizers/stages/precompiled_charsmap.h"

#include <stdexcept>

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

// A unit of the double array: offset of the children, whether a value ends here, label.
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t label_of(uint32_t unit) { return unit & (1u << 31 | 0xFFu); }
uint32_t value_of(uint32_t unit) { return unit & ~(1u << 31); }

/// Checks that no text leads outside the trie or the replacements, by visiting every reachable
/// state.
bool stays_inside(const std::vector<uint32_t>& units, size_t replacements) {
  std::vector<bool> seen(units.size());
  std::vector<size_t> open;  // for each state the base of its children, which are at base ^ label
  const auto visit = [&](size_t children) {
    if ((children | 0xFF) >= units.size()) return false;  // some byte would lead outside
    if (!seen[children]) open.push_back(children);
    seen[children] = true;
    return true;
  };
  if (!visit(offset_of(units[0]))) return false;
  while (!open.empty()) {
    const size_t children = open.back();
    open.pop_back();
    for (uint32_t label = 0; label < 256; ++label) {
      const size_t state = children ^ label;
      const uint32_t unit = units[state];
      if (label_of(unit) != label) continue;
      const size_t next = state ^ offset_of(unit);
      if (!visit(next)) return false;
      if (has_value(unit) && value_of(units[next]) >= replacements) return false;
    }
  }
  return true;
}

/// The trie; empty if the rules are damaged.
std::vector<uint32_t> read_units(std::string_view bytes) {
  if (bytes.size() < 4) return {};
  const size_t size = word_at(bytes, 0);
  bytes.remove_prefix(4);
  if (size == 0 || size % 4 != 0 || size >= bytes.size() || bytes.back() != '\0') return {};
  std::vector<uint32_t> units(size / 4);
  for (size_t i = 0; i < units.size(); ++i) units[i] = word_at(bytes, i);
  if (!stays_inside(units, bytes.size() - size)) return {};
  return units;
}

}  // namespace

bool is_sound_charsmap(std::string_view bytes) { return !read_units(bytes).empty(); }

PrecompiledCharsmap::PrecompiledCharsmap(std::string_view bytes) : units_(read_units(bytes)) {
  if (empty()) throw std::runtime_error("the normalisation rules are damaged; is the file whole?");
  replacements_ = bytes.substr(4 + 4 * units_.size());
  if (utf8::find_invalid(replacements_) != std::string_view::npos) {
    throw std::runtime_error("the normalisation rules write what is not UTF-8");
  }
}

/// Calls found(rule), which returns whether to continue, for the rule of each prefix of a text.
template <class Found>
void PrecompiledCharsmap::for_each_rule(std::string_view text, const Found& found) const {
  if (empty()) return;
  size_t state = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto label = static_cast<uint8_t>(text[i]);
    state ^= label;
    const uint32_t unit = units_[state];
    if (label_of(unit) != label) return;
    state ^= offset_of(unit);
    if (!has_value(unit)) continue;
    const char* replacement = replacements_.data() + value_of(units_[state]);
    if (!found({i + 1, replacement})) return;
  }
}

PrecompiledCharsmap::Rule PrecompiledCharsmap::longest(std::string_view text) const {
  Rule longest;
  for_each_rule(text, [&](const Rule& rule) {
    longest = rule;
    return true;
  });
  return longest;
}

std::optional<std::string_view> PrecompiledCharsmap::replacement(std::string_view text) const {
  std::optional<std::string_view> first;
  for_each_rule(text, [&](const Rule& rule) {
    first = rule.replacement;
    return false;
  });
  return first;
}

}  // namespace zoo
