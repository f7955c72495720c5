// The chunks of a PNG file: length, type, data, checksum of type and data; the last one is IEND.
// Those with an orientation are read like in PIL: of several, the last one counts.
#include <algorithm>
#include <stdexcept>

#include "models/images/deflate.h"
#include "models/images/png_reader.h"

namespace zoo::detail {
namespace {

/// PIL's limit, against decompression bombs.
constexpr size_t kMostTextBytes = size_t{1} << 20;

constexpr std::string_view kXmp = "XML:com.adobe.xmp";
/// ImageMagick's form from before eXIf: hexadecimal digits after three lines.
constexpr std::string_view kRawExif = "Raw profile type exif";

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

/// Removes and returns the text before the next zero byte, and the zero byte; nullopt without one.
std::optional<std::string_view> take_field(std::string_view& rest) {
  const size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const auto field = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return field;
}

struct Texts {
  std::string exif, raw_exif, xmp;
  std::string international_xmp;  // of iTXt only; used if a later text has cleared the other
  bool has_exif = false;          // also an empty one

  /// Takes the text of a tEXt or zTXt chunk, uncompressed.
  void take(std::string_view name, std::string_view text) {
    if (name == kXmp) xmp = text;
    if (name == kRawExif) raw_exif = text;
  }
};

void read_ztxt(std::string_view content, Texts& texts) {
  const auto name = take_field(content);
  if (!name || (*name != kXmp && *name != kRawExif) || !content.starts_with('\0')) return;
  texts.take(*name, inflate_text(content.substr(1), kMostTextBytes).value_or(""));
}

void read_itxt(std::string_view content, Texts& texts) {
  const auto name = take_field(content);
  if (!name || (*name != kXmp && *name != kRawExif) || content.size() < 2) return;
  const bool packed = content[0] != '\0', by_deflate = content[1] == '\0';
  content.remove_prefix(2);
  const auto language = take_field(content), translated = take_field(content);
  if (!language || !translated || (packed && !by_deflate)) return;
  const auto text = packed ? inflate_text(content, kMostTextBytes) : std::string(content);
  if (!text) return;
  texts.take(*name, *text);
  if (*name == kXmp) texts.international_xmp = *text;
}

void read_notes(std::string_view type, std::string_view content, Texts& texts) {
  if (type == "eXIf") {
    texts.exif = content;
    texts.has_exif = true;
  } else if (type == "tEXt") {
    if (const auto name = take_field(content)) texts.take(*name, content);
  } else if (type == "zTXt") {
    read_ztxt(content, texts);
  } else if (type == "iTXt") {
    read_itxt(content, texts);
  }
}

/// The bytes of hexadecimal digits, with any space between.
std::string from_digits(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    const size_t digit =
        std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? c + 32 : c);
    if (digit != std::string_view::npos) {
      if (high >= 0) bytes += static_cast<char>(high << 4 | static_cast<int>(digit));
      high = high >= 0 ? -1 : static_cast<int>(digit);
    } else if (high >= 0 || std::string_view(" \t\n\v\f\r").find(c) == std::string_view::npos) {
      high = 16;
      break;
    }
  }
  if (high >= 0) throw std::runtime_error("its EXIF data is damaged; remove it from the file");
  return bytes;
}

PictureNotes notes_of(Texts&& texts) {
  PictureNotes notes{.exif = std::nullopt,
                     .xmp = texts.xmp.empty() ? texts.international_xmp : texts.xmp};
  if (texts.has_exif) {
    notes.exif = "Exif" + std::string(2, '\0') + texts.exif;  // as in PIL
  } else if (!texts.raw_exif.empty()) {
    std::string_view digits = texts.raw_exif;
    for (int line = 0; line < 3; ++line) {
      const size_t end = digits.find('\n');
      digits.remove_prefix(end == std::string_view::npos ? digits.size() : end + 1);
    }
    notes.exif = from_digits(digits);
  }
  return notes;
}

}  // namespace

PictureNotes check_png(std::string_view file) {
  Texts texts;
  for (size_t at = kPngStart.size(); at + 12 <= file.size();) {
    const size_t length = big_endian(file.substr(at, 4));
    if (length > file.size() - at - 12) break;
    const auto content = file.substr(at + 4, 4 + length);  // with its type
    if (crc32(content) != big_endian(file.substr(at + 8 + length, 4)))
      throw std::runtime_error("the file is damaged: a checksum is wrong");
    if (content.starts_with("IEND")) return notes_of(std::move(texts));
    read_notes(content.substr(0, 4), content.substr(4), texts);
    at += 12 + length;
  }
  throw std::runtime_error("the file is cut off");
}

}  // namespace zoo::detail
