// The compiled normalisation rules inside a SentencePiece model: what to write for a character, or
// for several in a row.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

class PrecompiledCharsmap {
 public:
  /// No rules.
  PrecompiledCharsmap() = default;
  /// Throws std::runtime_error where they are not sound, or their replacements are not UTF-8.
  explicit PrecompiledCharsmap(std::string_view bytes);

  bool empty() const { return units_.empty(); }
  struct Rule {
    size_t size = 0;  ///< of what is replaced; 0: no rule applies
    std::string_view replacement;
  };
  /// The rule for the longest beginning of `text`.
  Rule longest(std::string_view text) const;
  /// The replacement of the shortest: so the `tokenizers` package looks rules up.
  std::optional<std::string_view> replacement(std::string_view text) const;

 private:
  template <class Found>
  void for_each_rule(std::string_view text, const Found& found) const;
  std::vector<uint32_t> units_;  // a trie as a double array (darts-clone)
  std::string replacements_;     // C strings, which the trie's values point into
};

/// Whether every look-up in the rules stays inside them. The library walks them unchecked.
bool is_sound_charsmap(std::string_view bytes);

}  // namespace zoo
