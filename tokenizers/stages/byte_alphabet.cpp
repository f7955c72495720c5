#include "tokenizers/stages/byte_alphabet.h"

#include <array>

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

constexpr char32_t kFirstOther = 0x100;

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<int16_t, kFirstOther + 256> bytes;  // by code point; -1: not in the alphabet
};

bool is_printable(char32_t code) {
  return (code >= '!' && code <= '~') || (code >= 0xA1 && code != 0xAD && code <= 0xFF);
}

const Alphabet& alphabet() {
  static const Alphabet made = [] {
    Alphabet all;
    all.bytes.fill(-1);
    char32_t other = kFirstOther;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const char32_t code = is_printable(byte) ? byte : other++;
      all.characters[byte] = utf8::encode(code);
      all.bytes[code] = static_cast<int16_t>(byte);
    }
    return all;
  }();
  return made;
}

}  // namespace

std::string_view byte_character(uint8_t byte) { return alphabet().characters[byte]; }

std::string to_byte_alphabet(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += byte_character(static_cast<uint8_t>(c));
  return text;
}

void write_in_byte_alphabet(AlignedText::Editor& editor, size_t size) {
  while (size > 0) {
    const size_t character = utf8::first(editor.rest()).size;
    editor.replace(character, to_byte_alphabet(editor.rest().substr(0, character)));
    size -= character;
  }
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  const Alphabet& all = alphabet();
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const utf8::Character c = utf8::first(text);
    if (!c.valid || c.code >= all.bytes.size() || all.bytes[c.code] < 0) return std::nullopt;
    bytes += static_cast<char>(all.bytes[c.code]);
    text.remove_prefix(c.size);
  }
  return bytes;
}

}  // namespace zoo
