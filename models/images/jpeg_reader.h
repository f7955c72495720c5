// JPEG files, by libjpeg.
#pragma once
#include <cstdint>
#include <string_view>

#include "models/images/orientation.h"

namespace zoo::detail {

inline constexpr std::string_view kJpegStart = "\xff\xd8\xff";

struct JpegPicture {
  Image image;
  PictureNotes notes;
};

/// As PIL's convert("RGB"): four inks are taken for Adobe's inverted ones. Throws
/// std::runtime_error for a file that is cut off or that libjpeg refuses, and for more than
/// `most_pixels` before memory is taken for them. Damaged codes that libjpeg reads on after give
/// wrong pixels, as they do in PIL.
JpegPicture read_jpeg(std::string_view file, int64_t most_pixels);

}  // namespace zoo::detail
