#include "models/images/jpeg_reader.h"

#include <cstdio>
// After <cstdio>, which it needs.
#include <fmt/format.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "models/images/jump_guard.h"
#include "models/images/pixel_limit.h"

namespace zoo::detail {
namespace {

using namespace std::string_view_literals;

/// Each scan of a progressive file costs a pass over the whole picture.
constexpr int kMostScans = 1000;
constexpr int kApp1 = JPEG_APP0 + 1;

/// PIL's product of bytes: divided by 255 and rounded.
int part_of(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// CMYK, 255 for no ink, to RGB.
void mix(const uint8_t* inks, uint8_t* rgb) {
  const int light = inks[3];
  for (int c = 0; c < 3; ++c)
    rgb[c] = static_cast<uint8_t>(std::clamp(light - part_of(255 - inks[c], light), 0, 255));
}

class JpegReader {
 public:
  explicit JpegReader(std::string_view file) {
    jpeg_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.output_message = [](j_common_ptr) {};
    jpeg_.client_data = this;
    guard_.run([&] {
      jpeg_create_decompress(&jpeg_);
      jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    });
    // libjpeg would insert an end marker.
    jpeg_.src->fill_input_buffer = [](j_decompress_ptr jpeg) -> boolean {
      of(jpeg).guard_.fail("the file is cut off");
    };
    progress_.progress_monitor = on_progress;
    jpeg_.progress = &progress_;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  void read_header() {
    guard_.run([this] {
      jpeg_save_markers(&jpeg_, kApp1, 0xffff);
      jpeg_read_header(&jpeg_, TRUE);
    });
    switch (jpeg_.num_components) {
      case 1:
        jpeg_.out_color_space = JCS_GRAYSCALE;
        break;
      case 3:
        jpeg_.out_color_space = JCS_RGB;
        break;
      case 4:
        jpeg_.out_color_space = JCS_CMYK;
        break;
      default:
        throw std::runtime_error(
            fmt::format("a JPEG of {} components, of which 1, 3 and 4 are supported; save it again",
                        jpeg_.num_components));
    }
  }

  int64_t width() const { return jpeg_.image_width; }
  int64_t height() const { return jpeg_.image_height; }

  PictureNotes notes() const {
    PictureNotes notes;
    for (auto* marker = jpeg_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string_view content(reinterpret_cast<const char*>(marker->data),
                                     marker->data_length);
      constexpr auto kExif = "Exif\0\0"sv, kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
      if (marker->marker != kApp1) continue;
      if (content.starts_with(kExif)) {
        // A segment has at most 64 kB; longer data continues in the next one.
        notes.exif = notes.exif ? *notes.exif + std::string(content.substr(kExif.size()))
                                : std::string(content);
      } else if (content.starts_with(kXmp)) {
        notes.xmp = content.substr(kXmp.size());
      }
    }
    // Without a resolution in a JFIF header, PIL reads the EXIF data when it opens the file, and
    // ignores errors there.
    const bool has_resolution =
        jpeg_.saw_JFIF_marker != FALSE && (jpeg_.density_unit == 1 || jpeg_.density_unit == 2);
    notes.lenient = !has_resolution;
    return notes;
  }

  std::vector<uint8_t> read_pixels() {
    std::vector<uint8_t> rgb(static_cast<size_t>(width()) * static_cast<size_t>(height()) * 3);
    std::vector<uint8_t> row(static_cast<size_t>(width()) * 4);
    guard_.run([&] {
      jpeg_start_decompress(&jpeg_);
      while (jpeg_.output_scanline < jpeg_.output_height) {
        uint8_t* to =
            rgb.data() + static_cast<size_t>(jpeg_.output_scanline) * jpeg_.output_width * 3;
        JSAMPROW place = jpeg_.num_components == 3 ? to : row.data();
        jpeg_read_scanlines(&jpeg_, &place, 1);
        if (jpeg_.num_components != 3) spread(row.data(), to);
      }
      jpeg_finish_decompress(&jpeg_);
    });
    return rgb;
  }

 private:
  /// Converts a row of grey values or of CMYK to RGB.
  void spread(const uint8_t* row, uint8_t* to) const {
    for (JDIMENSION x = 0; x < jpeg_.output_width; ++x, to += 3) {
      if (jpeg_.num_components == 1)
        std::fill(to, to + 3, row[x]);
      else
        mix(row + 4 * static_cast<size_t>(x), to);
    }
  }

  template <class Jpeg>
  static JpegReader& of(Jpeg jpeg) {
    return *static_cast<JpegReader*>(jpeg->client_data);
  }
  static void on_error(j_common_ptr jpeg) {
    std::array<char, JMSG_LENGTH_MAX> why = {};
    jpeg->err->format_message(jpeg, why.data());
    of(jpeg).guard_.fail("the file is damaged or of an unsupported kind; save it again. libjpeg: ",
                         why.data());
  }
  static void on_progress(j_common_ptr jpeg) {
    if (of(jpeg).jpeg_.input_scan_number > kMostScans)
      of(jpeg).guard_.fail("the file has more than 1000 scans; save it again");
  }

  JumpGuard guard_;
  jpeg_decompress_struct jpeg_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
};

}  // namespace

JpegPicture read_jpeg(std::string_view file, int64_t most_pixels) {
  JpegReader reader(file);
  reader.read_header();
  check_pixels(reader.width(), reader.height(), most_pixels);
  const auto notes = reader.notes();
  return {
      {static_cast<int>(reader.width()), static_cast<int>(reader.height()), reader.read_pixels()},
      notes};
}

}  // namespace zoo::detail
