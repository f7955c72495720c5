// UTF-8 (RFC 3629).
#include "tokenizers/text/utf8.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

namespace zoo::utf8 {

Character first(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const Character invalid{.code = 0xFFFD, .size = 1, .valid = false};
  if (lead < 0x80) return {.code = lead, .size = 1, .valid = true};
  const size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || text.size() < size) return invalid;
  char32_t code = lead & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return invalid;
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[size] || code > 0x10FFFF || surrogate) return invalid;
  return {.code = code, .size = size, .valid = true};
}

size_t ascii_prefix(std::string_view text) {
  size_t at = 0;
  for (uint64_t word; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

Character last(std::string_view text) {
  for (size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    const Character c = first(text.substr(text.size() - size));
    if (c.valid && c.size == size) return c;
  }
  return {.code = 0xFFFD, .size = 1, .valid = false};
}

std::string encode(char32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  const auto lead = [&](int mark, int shift) { return static_cast<char>(mark | (code >> shift)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {lead(0xC0, 6), tail(0)};
  if (code < 0x10000) return {lead(0xE0, 12), tail(6), tail(0)};
  return {lead(0xF0, 18), tail(12), tail(6), tail(0)};
}

size_t find_invalid(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Character c = first(text.substr(i));
    if (!c.valid) return i;
    i += c.size;
  }
  return std::string_view::npos;
}

std::string replace_invalid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first(text);
    out += c.valid ? std::string(text.substr(0, c.size)) : encode(0xFFFD);
    text.remove_prefix(c.size);
  }
  return out;
}

namespace {

/// Length of the ill-formed sequence at the start of `text` (Unicode 16, section 3.9, table 3-7).
size_t ill_formed_size(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t size = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  size_t n = 1;
  for (; n < size && n < text.size(); ++n) {
    uint8_t low = 0x80, high = 0xBF;
    if (n == 1 && lead == 0xE0) low = 0xA0;
    if (n == 1 && lead == 0xED) high = 0x9F;
    if (n == 1 && lead == 0xF0) low = 0x90;
    if (n == 1 && lead == 0xF4) high = 0x8F;
    if (byte(n) < low || byte(n) > high) break;
  }
  return n;
}

}  // namespace

std::string replace_ill_formed(std::string_view text) {
  if (find_invalid(text) == std::string_view::npos) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const Character c = first(text);
    const size_t size = c.valid ? c.size : ill_formed_size(text);
    out += c.valid ? std::string(text.substr(0, size)) : encode(0xFFFD);
    text.remove_prefix(size);
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at; (at = text.find(from)) != std::string_view::npos;) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

std::string describe(char32_t code) {
  const std::string number = fmt::format("U+{:04X}", static_cast<uint32_t>(code));
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool separator = code == 0x2028 || code == 0x2029 || code == 0xFEFF;
  return control || separator ? number : fmt::format("'{}' ({})", encode(code), number);
}

}  // namespace zoo::utf8
