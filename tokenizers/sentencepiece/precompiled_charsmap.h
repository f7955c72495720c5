// The compiled normalisation rules inside a SentencePiece model.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace zoo {

/// Whether every look-up in the rules stays inside them. The library walks them unchecked: rules
/// out of a damaged file would make it read foreign memory.
bool is_sound_charsmap(std::string_view bytes);

/// The rules as the `tokenizers` package reads them.
class PrecompiledCharsmap {
 public:
  /// Throws std::runtime_error where they are not sound, or their replacements are not UTF-8.
  explicit PrecompiledCharsmap(std::string bytes);
  /// What the shortest prefix of `text` that has a rule becomes: a view into this object.
  std::optional<std::string_view> replacement(std::string_view text) const;

 private:
  std::string bytes_;
  size_t replacements_;  // where they begin
};

}  // namespace zoo
