// The compiled normalisation rules of a SentencePiece model: replacements for a character, or for
// several consecutive ones.
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
  /// Throws std::runtime_error if the rules are damaged, or a replacement is not UTF-8.
  explicit PrecompiledCharsmap(std::string_view bytes);

  bool empty() const { return units_.empty(); }
  struct Rule {
    size_t size = 0;  ///< bytes to replace; 0: no rule applies
    std::string_view replacement;
  };
  /// The rule for the longest matching prefix of `text`.
  Rule longest(std::string_view text) const;
  /// The replacement for the shortest matching prefix, as the `tokenizers` package looks rules up.
  std::optional<std::string_view> replacement(std::string_view text) const;

 private:
  template <class Found>
  void for_each_rule(std::string_view text, const Found& found) const;
  std::vector<uint32_t> units_;  // a trie as a double array (darts-clone)
  std::string replacements_;     // C strings; the trie's values are offsets into it
};

/// Whether no lookup can lead outside the rules. The library does not check this.
bool is_sound_charsmap(std::string_view bytes);

}  // namespace zoo
