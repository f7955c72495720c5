// Letters of 5 x 7 dots.
#include "app/figures/letters.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "app/figures/html.h"

namespace zoo {
namespace {

// From space to tilde: a digit a line from the top, in base 32 (0 to 9, A to V), whose highest bit
// is the leftmost dot.
constexpr std::string_view kAscii[] = {
    "0000000", "4444404", "AAA0000", "AAVAVAA", "4FKE5U4", "OP248J3", "CIK8LID", "4440000",
    "2488842", "8422248", "04LEL40", "044V440", "0000C48", "000E000", "00000CC", "01248G0",
    "EHJLPHE", "4C4444E", "EH1248V", "V2421HE", "26AIV22", "VGU11HE", "68GUHHE", "V124888",
    "EHHEHHE", "EHHF12C", "0CC0CC0", "0CC0C48", "248G842", "00V0V00", "8421248", "EH12404",
    "EH1DLLE", "EHHVHHH", "UHHUHHU", "EHGGGHE", "SIHHHIS", "VGGUGGV", "VGGUGGG", "EHGNHHF",
    "HHHVHHH", "E44444E", "72222IC", "HIKOKIH", "GGGGGGV", "HRLLHHH", "HHPLJHH", "EHHHHHE",
    "UHHUGGG", "EHHHLID", "UHHUKIH", "FGGE11U", "V444444", "HHHHHHE", "HHHHHA4", "HHHLLLA",
    "HHA4AHH", "HHHA444", "V1248GV", "E88888E", "0G84210", "E22222E", "4AH0000", "000000V",
    "8420000", "00E1FHF", "GGMPHHU", "00EGGHE", "11DJHHF", "00EHVGE", "698S888", "0FHHF1E",
    "GGMPHHH", "40C444E", "20622IC", "GGIKOKI", "C44444E", "00QLLHH", "00MPHHH", "00EHHHE",
    "00UHUGG", "00DJF11", "00MPGGG", "00EGE1U", "88S8896", "00HHHJD", "00HHHA4", "00HHLLA",
    "00HA4AH", "00HHF1E", "00V248V", "2448442", "4444444", "8442448", "008L200"};
// The signs of token labels: space, line feed, tab, "and so on", nothing.
constexpr std::pair<std::string_view, std::string_view> kSigns[] = {
    {"␣", "0000HHV"}, {"⏎", "1159V84"}, {"⇥", "05DVD50"}, {"…", "000000L"}, {"∅", "1EJLPEG"}};
constexpr std::string_view kBox = "VHHHHHV";

/// The characters of a text as the lines of their dots.
std::vector<std::string_view> glyphs_of(std::string_view text) {
  const std::string valid = valid_utf8(text);
  std::vector<std::string_view> glyphs;
  for (size_t at = 0; at < valid.size();) {
    const auto lead = static_cast<unsigned char>(valid[at]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    const std::string_view character = std::string_view(valid).substr(at, length);
    at += length;
    if (lead >= 0x20 && lead < 0x7F) {
      glyphs.push_back(kAscii[lead - 0x20]);
      continue;
    }
    const auto* const sign =
        std::ranges::find(kSigns, character, [](const auto& row) { return row.first; });
    glyphs.push_back(sign != std::end(kSigns) ? sign->second : kBox);
  }
  return glyphs;
}

bool has_dot(std::string_view glyph, int column, int line) {
  const char digit = glyph[static_cast<size_t>(line)];
  const int bits = digit <= '9' ? digit - '0' : digit - 'A' + 10;
  return ((bits >> (4 - column)) & 1) != 0;
}

void set_pixel(Image& image, int x, int y, Colour colour) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  std::copy(colour.begin(), colour.end(),
            image.rgb.begin() + (static_cast<ptrdiff_t>(y) * image.width + x) * 3);
}

template <class Place>
void draw_glyphs(Image& image, std::string_view text, Colour colour, Place place) {
  int start = 0;
  for (const auto glyph : glyphs_of(text)) {
    for (int line = 0; line < kLetterHeight; ++line) {
      for (int column = 0; column < 5; ++column) {
        if (!has_dot(glyph, column, line)) continue;
        const auto [x, y] = place(start + column, line);
        set_pixel(image, x, y, colour);
      }
    }
    start += kLetterWidth;
  }
}

}  // namespace

Image blank_image(int width, int height, Colour colour) {
  Image image{width, height, {}};
  image.rgb.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = colour[i % 3];
  return image;
}

void paste(Image& image, const Image& part, int x, int y) {
  for (int row = 0; row < part.height; ++row) {
    for (int column = 0; column < part.width; ++column) {
      const auto* const rgb = &part.rgb[(static_cast<size_t>(row) * part.width + column) * 3];
      set_pixel(image, x + column, y + row, {rgb[0], rgb[1], rgb[2]});
    }
  }
}

int text_width(std::string_view text) {
  return static_cast<int>(glyphs_of(text).size()) * kLetterWidth;
}

void draw_text(Image& image, int x, int y, std::string_view text, Colour colour) {
  draw_glyphs(image, text, colour,
              [&](int along, int line) { return std::pair(x + along, y + line); });
}

void draw_text_upwards(Image& image, int x, int y, std::string_view text, Colour colour) {
  draw_glyphs(image, text, colour,
              [&](int along, int line) { return std::pair(x + line, y - along); });
}

}  // namespace zoo
