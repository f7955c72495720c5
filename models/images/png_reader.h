// PNG files: pixels by libpng, and the orientation from other chunks.
#pragma once
#include <cstdint>
#include <string_view>

#include "models/images/orientation.h"

namespace zoo::detail {

inline constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";

/// Checks that the file is complete and every checksum right; throws std::runtime_error. Returns
/// the metadata of the chunks eXIf, iTXt, tEXt and zTXt.
PictureNotes check_png(std::string_view file);

/// Like PIL's convert("RGB"): alpha is dropped, 16-bit colours keep their upper byte, 16-bit grey
/// is clipped at 255, an index past the palette is black. Throws std::runtime_error for a damaged
/// file, and for more than `most_pixels`, before memory is allocated.
Image read_png(std::string_view file, int64_t most_pixels);

}  // namespace zoo::detail
