#include "models/images/orientation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <utility>

namespace zoo {
namespace {

using namespace std::string_view_literals;

constexpr uint64_t kOrientation = 0x0112;

/// Bytes of a value, by TIFF's type number; 0: no such type.
constexpr std::array<uint64_t, 17> kTypeBytes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};

/// The numbers in a TIFF file. Reading past the end gives nullopt.
struct TiffNumbers {
  std::string_view bytes;
  bool big_endian;

  std::optional<uint64_t> at(uint64_t place, uint64_t size) const {
    if (place > bytes.size() || size > bytes.size() - place) return std::nullopt;
    uint64_t value = 0;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t from = big_endian ? place + i : place + size - 1 - i;
      value = value << 8 | static_cast<uint8_t>(bytes[from]);
    }
    return value;
  }
};

/// Integers, floats and fractions as a number. Bytes and texts are not numbers in PIL.
double number_at(const TiffNumbers& tiff, uint64_t type, uint64_t place) {
  const auto bits = [&](uint64_t at, uint64_t size) { return *tiff.at(at, size); };
  const auto whole = [&](uint64_t at, bool is_signed) {
    const auto value = static_cast<uint32_t>(bits(at, 4));
    return is_signed ? static_cast<double>(static_cast<int32_t>(value))
                     : static_cast<double>(value);
  };
  switch (type) {
    case 3:
      return static_cast<double>(bits(place, 2));
    case 4:
    case 13:
      return whole(place, false);
    case 5:
    case 10:
      return whole(place, type == 10) / whole(place + 4, type == 10);
    case 6:
      return static_cast<int8_t>(bits(place, 1));
    case 8:
      return static_cast<int16_t>(bits(place, 2));
    case 9:
      return whole(place, true);
    case 11:
      return std::bit_cast<float>(static_cast<uint32_t>(bits(place, 4)));
    case 12:
      return std::bit_cast<double>(bits(place, 8));
    case 16:
      return static_cast<double>(bits(place, 8));
    default:
      return 1.0;
  }
}

int orientation_in(double number) {
  return number >= 1.0 && number <= 8.0 && number == std::floor(number) ? static_cast<int>(number)
                                                                        : 1;
}

/// The first complete entry with this tag in the first directory. A damaged one ends the search or
/// is skipped, as in PIL.
std::optional<int> exif_orientation(std::string_view exif) {
  for (int i = 0; i < 2 && exif.starts_with("Exif\0\0"sv); ++i) exif.remove_prefix(6);
  if (exif.empty()) return std::nullopt;
  const auto start = exif.substr(0, 4);
  const bool big = start == "MM\0\x2a"sv || start == "MM\x2a\0"sv || start == "MM\0\x2b"sv;
  const bool little = start == "II\x2a\0"sv || start == "II\0\x2a"sv;
  if (exif.size() < 8 || !(big || little)) {
    throw std::runtime_error(
        "its EXIF data does not begin like a TIFF file, and so the orientation is unknown; "
        "remove it from the file");
  }
  const TiffNumbers tiff{exif, big};
  uint64_t at = *tiff.at(4, 4), outside = 0;
  std::set<uint64_t> seen;
  const uint64_t entries = tiff.at(at, 2).value_or(0);
  at += 2;
  for (uint64_t i = 0; i < entries && tiff.at(at + 8, 4); ++i, at += 12) {
    const uint64_t tag = *tiff.at(at, 2), type = *tiff.at(at + 2, 2), count = *tiff.at(at + 4, 4);
    const uint64_t size = type < kTypeBytes.size() ? count * kTypeBytes[type] : 0;
    if (size == 0 || seen.contains(tag)) continue;
    uint64_t place = at + 8;
    if (size > 4) {  // the entry has the offset of the values
      outside += size;
      if (outside > exif.size()) continue;
      place = *tiff.at(place, 4);
      if (place > exif.size() || size > exif.size() - place) return std::nullopt;
    }
    seen.insert(tag);
    if (tag == kOrientation) return orientation_in(number_at(tiff, type, place));
  }
  return std::nullopt;
}

/// The digit of tiff:Orientation="6" or <tiff:Orientation>6.
std::optional<int> xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at + 1)) {
    auto rest = xmp.substr(at + kName.size());
    if (rest.starts_with("=\""))
      rest.remove_prefix(2);
    else if (rest.starts_with('>'))
      rest.remove_prefix(1);
    else
      continue;
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

}  // namespace

int orientation_of(const PictureNotes& notes) {
  std::optional<int> said;
  try {
    if (notes.exif) said = exif_orientation(*notes.exif);
  } catch (const std::runtime_error&) {
    if (!notes.lenient) throw;
    return 1;
  }
  if (!said) said = xmp_orientation(notes.xmp);
  return orientation_in(said.value_or(1));
}

Image turned(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool swapped = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const auto W = static_cast<size_t>(image.width), H = static_cast<size_t>(image.height);
  Image upright{image.width, image.height, std::vector<uint8_t>(image.rgb.size())};
  if (swapped) std::swap(upright.width, upright.height);
  const auto W2 = static_cast<size_t>(upright.width), H2 = static_cast<size_t>(upright.height);
  uint8_t* to = upright.rgb.data();
  for (size_t y = 0; y < H2; ++y) {
    for (size_t x = 0; x < W2; ++x, to += 3) {
      const size_t column = swapped ? y : x, row = swapped ? x : y;
      const size_t from =
          (from_below ? H - 1 - row : row) * W + (from_right ? W - 1 - column : column);
      std::copy_n(image.rgb.data() + 3 * from, 3, to);
    }
  }
  return upright;
}

}  // namespace zoo
