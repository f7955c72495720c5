// The scripts of characters as the pre-tokenizer UnicodeScripts of the `tokenizers` package has
// them, after SentencePiece: Hiragana, Katakana and Han are one.
#pragma once
#include <cstdint>

namespace zoo::unicode {

/// The number of a code point's script; 0 for those that go with any: ' ' and what has no script.
uint8_t script_of(char32_t code);

}  // namespace zoo::unicode
