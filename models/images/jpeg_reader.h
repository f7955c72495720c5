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

/// Like PIL's convert("RGB"): CMYK is assumed to be Adobe's inverted form. Throws
/// std::runtime_error for a file that is truncated or rejected by libjpeg, and for more than
/// `most_pixels`, before memory is allocated. Damaged codes that libjpeg tolerates give wrong
/// pixels, as in PIL.
JpegPicture read_jpeg(std::string_view file, int64_t most_pixels);

}  // namespace zoo::detail
