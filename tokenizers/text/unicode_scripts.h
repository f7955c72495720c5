// Scripts as in the pre-tokenizer UnicodeScripts of the `tokenizers` package, which follows
// SentencePiece: Hiragana, Katakana and Han count as one.
#pragma once
#include <cstdint>

namespace zoo::unicode {

/// Number of a code point's script; 0 if it goes with any script: ' ' and characters without a
/// script.
uint8_t script_of(char32_t code);

}  // namespace zoo::unicode
