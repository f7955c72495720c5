// GPT-2's byte alphabet (Radford et al. 2019, section 2.2, and encoder.py of its code): a printable
// character for each of the 256 bytes. Vocabularies of byte-level BPE are written in it. Printable
// Latin-1 characters stand for themselves, the others for U+0100 onwards: ' ' is 'Ġ', '\n' is 'Ċ'.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizers/text/aligned_text.h"

namespace zoo {

/// The character of a byte, in UTF-8.
std::string_view byte_character(uint8_t byte);

/// Converts bytes to the alphabet.
std::string to_byte_alphabet(std::string_view bytes);

/// Converts the next `size` bytes of a text (whole characters) to the alphabet.
void write_in_byte_alphabet(AlignedText::Editor& editor, size_t size);

/// The bytes for characters of the alphabet; nullopt if any other character is present.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace zoo
