// The orientation of a picture: cameras store the sensor's rows, and in the metadata how to rotate
// them (EXIF's Orientation, tag 0x0112; XMP's tiff:Orientation). As in PIL's
// ImageOps.exif_transpose.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/image.h"

namespace zoo {

/// The metadata that may contain the orientation.
struct PictureNotes {
  std::optional<std::string> exif;  ///< a TIFF file, with or without "Exif\0\0" before it
  std::string xmp;                  ///< XML
  /// Ignore damaged EXIF data, and XMP with it. Otherwise it is an error.
  bool lenient = false;
};

/// 1 to 8; 1 without an orientation. EXIF takes precedence over XMP. Throws std::runtime_error for
/// EXIF data that does not begin like a TIFF file.
int orientation_of(const PictureNotes& notes);

/// The upright picture: rows and columns mirrored and swapped by the orientation.
Image turned(Image image, int orientation);

}  // namespace zoo
