// GPT-2's byte alphabet (Radford et al. 2019, section 2.2, and encoder.py of its code): a printable
// character for each of the 256 bytes, in which vocabularies of byte-level BPE are written.
// Printable Latin-1 characters stand for themselves, the others for U+0100 onwards: ' ' is 'Ġ',
// '\n' is 'Ċ'.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizers/text/aligned_text.h"

namespace zoo {

/// The character of a byte, in UTF-8.
std::string_view byte_character(uint8_t byte);

/// Bytes in the alphabet.
std::string to_byte_alphabet(std::string_view bytes);

/// Puts the next `size` bytes of a text, whole characters, in the alphabet.
void write_in_byte_alphabet(AlignedText::Editor& editor, size_t size);

/// The bytes behind characters of the alphabet; nothing where another character is among them.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace zoo
