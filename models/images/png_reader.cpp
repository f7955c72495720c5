#include "models/images/png_reader.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "models/images/jump_guard.h"
#include "models/images/pixel_limit.h"

namespace zoo::detail {
namespace {

/// A pixel as libpng unpacks it.
enum class Samples {
  kColour,  // three bytes
  kIndex,   // a byte, the index of a colour: palettes, and grey of up to 8 bits
  kGrey16   // two bytes, the higher first
};

using Colours = std::array<std::array<uint8_t, 3>, 256>;

class PngReader {
 public:
  /// Reads up to the pixels.
  explicit PngReader(std::string_view file) : rest_(file) {
    guard_.run([this] {
      png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
      info_ = png_create_info_struct(png_);
    });
    if (info_ == nullptr) throw std::runtime_error("libpng has no memory");
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  void read_header() {
    guard_.run([this] {
      png_set_read_fn(png_, this, on_read);
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      // Gamma, colour profiles and texts are ignored.
      png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
      png_set_check_for_invalid_index(png_, 0);
      png_set_benign_errors(png_, 1);
      // Some writers state a smaller window than they use.
      png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
      png_read_info(png_, info_);
    });
    kind_ = png_get_color_type(png_, info_);
    bits_ = png_get_bit_depth(png_, info_);
  }

  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }

  Samples samples() const {
    if (kind_ == PNG_COLOR_TYPE_RGB || kind_ == PNG_COLOR_TYPE_RGB_ALPHA) return Samples::kColour;
    return kind_ == PNG_COLOR_TYPE_GRAY && bits_ == 16 ? Samples::kGrey16 : Samples::kIndex;
  }

  /// The colour of an index; black past the end of the palette.
  Colours colours() const {
    Colours colours = {};
    if (kind_ == PNG_COLOR_TYPE_PALETTE) {
      png_colorp palette = nullptr;
      int count = 0;
      png_get_PLTE(png_, info_, &palette, &count);
      for (size_t i = 0; i < std::min(static_cast<size_t>(count), colours.size()); ++i)
        colours[i] = {palette[i].red, palette[i].green, palette[i].blue};
      return colours;
    }
    const size_t last = (size_t{1} << std::min<int>(bits_, 8)) - 1;
    for (size_t i = 0; i <= last; ++i) colours[i].fill(static_cast<uint8_t>(i * 255 / last));
    return colours;
  }

  /// All rows, without gaps.
  std::vector<uint8_t> read_rows() {
    int passes = 1;
    guard_.run([&] {
      png_set_packing(png_);
      png_set_strip_alpha(png_);
      if (samples() != Samples::kGrey16) png_set_strip_16(png_);
      passes = png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
    const size_t row = png_get_rowbytes(png_, info_), count = static_cast<size_t>(height());
    std::vector<uint8_t> bytes(row * count);
    guard_.run([&] {
      for (int pass = 0; pass < passes; ++pass)
        for (size_t y = 0; y < count; ++y) png_read_row(png_, bytes.data() + y * row, nullptr);
    });
    return bytes;
  }

 private:
  static void on_error(png_structp png, png_const_charp why) {
    static_cast<PngReader*>(png_get_error_ptr(png))
        ->guard_.fail("the file is damaged; save it again. libpng: ", why);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void on_read(png_structp png, png_bytep to, size_t count) {
    auto& rest = static_cast<PngReader*>(png_get_io_ptr(png))->rest_;
    if (count > rest.size()) png_error(png, "cut off");
    std::memcpy(to, rest.data(), count);
    rest.remove_prefix(count);
  }

  std::string_view rest_;
  JumpGuard guard_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int kind_ = 0, bits_ = 0;
};

}  // namespace

Image read_png(std::string_view file, int64_t most_pixels) {
  PngReader reader(file);
  reader.read_header();
  check_pixels(reader.width(), reader.height(), most_pixels);
  Image image{static_cast<int>(reader.width()), static_cast<int>(reader.height()), {}};
  const auto samples = reader.samples();
  const auto colours = reader.colours();
  auto rows = reader.read_rows();
  if (samples == Samples::kColour) {
    image.rgb = std::move(rows);
    return image;
  }
  const size_t step = samples == Samples::kGrey16 ? 2 : 1;
  image.rgb.resize(rows.size() / step * 3);
  uint8_t* to = image.rgb.data();
  for (size_t i = 0; i < rows.size(); i += step, to += 3) {
    // 16-bit grey is clipped at 255, as in PIL.
    const bool past_white = step == 2 && rows[i] != 0;
    const auto& colour = past_white ? colours[255] : colours[rows[i + step - 1]];
    std::copy(colour.begin(), colour.end(), to);
  }
  return image;
}

}  // namespace zoo::detail
