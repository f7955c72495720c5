// Unicode normal forms (UAX #15), lower case and combining marks, as the `tokenizers` package has
// them: its tables are older than today's Unicode, and each rule has its own version.
#pragma once
#include "tokenizers/text/aligned_text.h"

namespace zoo {

/// Canonical or compatibility decomposition, with or without composition afterwards.
enum class NormalForm { kNfd, kNfc, kNfkd, kNfkc };

/// Time is near-linear in the text's length, also for long runs of marks. Bytes that are not UTF-8
/// stay as they are.
void normalize(AlignedText& text, NormalForm form);

/// Character by character: a final sigma is as any other.
void lowercase(AlignedText& text);

/// What StripAccents removes: marks of all kinds.
bool is_combining_mark(char32_t code);

/// Removes every character that `drops(code)`. Bytes that are not UTF-8 stay.
void remove_characters(AlignedText& text, bool (*drops)(char32_t));

/// Every character that `is_space(code)` becomes ' '.
void write_as_spaces(AlignedText& text, bool (*is_space)(char32_t));

/// As the package counts changes: `change` > 0 puts a character between the old ones, otherwise it
/// takes the place of the next one and drops -change more.
struct ChangedCharacter {
  char32_t code = 0;
  int change = 0;
};
void put(AlignedText::Editor& edit, ChangedCharacter character);

}  // namespace zoo
