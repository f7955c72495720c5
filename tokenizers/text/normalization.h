// Unicode normal forms (UAX #15), lower case and combining marks, as in the `tokenizers` package.
// Its tables are older than current Unicode, and each rule has its own version.
#pragma once
#include "tokenizers/text/aligned_text.h"

namespace zoo {

/// Canonical or compatibility decomposition, with or without composition.
enum class NormalForm { kNfd, kNfc, kNfkd, kNfkc };

/// Takes near-linear time, even for long runs of marks. Invalid UTF-8 bytes are unchanged.
void normalize(AlignedText& text, NormalForm form);

/// Lowercases each character on its own; a final sigma is not special.
void lowercase(AlignedText& text);

/// Marks of all categories, which StripAccents removes.
bool is_combining_mark(char32_t code);

/// Removes every character for which `drops(code)` is true. Invalid UTF-8 bytes are kept.
void remove_characters(AlignedText& text, bool (*drops)(char32_t));

/// Replaces every character for which `is_space(code)` is true by ' '.
void write_as_spaces(AlignedText& text, bool (*is_space)(char32_t));

/// A change as the package counts it: `change` > 0 inserts a character; otherwise the character
/// replaces the next one, and -change more are dropped.
struct ChangedCharacter {
  char32_t code = 0;
  int change = 0;
};
void put(AlignedText::Editor& edit, ChangedCharacter character);

}  // namespace zoo
