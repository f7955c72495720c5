// PNG files: pixels by libpng, and what their other chunks say of how the picture stands.
#pragma once
#include <cstdint>
#include <string_view>

#include "models/images/orientation.h"

namespace zoo::detail {

inline constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";

/// Checks every chunk's sum and that the file is whole; throws std::runtime_error. Returns the
/// notes that stand in the chunks eXIf, iTXt, tEXt and zTXt.
PictureNotes check_png(std::string_view file);

/// As PIL's convert("RGB"): alpha is left out, 16-bit colours keep their upper byte, 16-bit grey is
/// cut off at 255, an index past the palette is black. Throws std::runtime_error for a damaged
/// file, and for more than `most_pixels` before memory is taken for them.
Image read_png(std::string_view file, int64_t most_pixels);

}  // namespace zoo::detail
