// How a picture stands: cameras store the sensor's rows and note in the file how to turn them
// (EXIF's Orientation, tag 0x0112; XMP's tiff:Orientation). As PIL's ImageOps.exif_transpose reads
// it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/image.h"

namespace zoo {

/// What files carry beside the pixels and the orientation may stand in.
struct PictureNotes {
  std::optional<std::string> exif;  ///< a TIFF file, "Exif\0\0" before it or not
  std::string xmp;                  ///< XML
  /// Damaged EXIF data are passed over, and XMP with them. Else they are an error.
  bool lenient = false;
};

/// 1 to 8; 1 where nothing is said. EXIF's word counts before XMP's. Throws std::runtime_error for
/// EXIF data that do not begin as a TIFF file.
int orientation_of(const PictureNotes& notes);

/// Upright: rows and columns mirrored and swapped as the orientation says.
Image turned(Image image, int orientation);

}  // namespace zoo
