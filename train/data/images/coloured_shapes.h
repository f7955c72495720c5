// Coloured shapes with captions: a generated data set for CLIP. A large or small red circle
// somewhere on a grey background is "a red circle", "a circle in red", ...
#pragma once
#include <cstdint>

#include "train/data/images/captioned_images.h"

namespace zoo {

struct ShapesOptions {
  int64_t image_size = 32;  ///< pixels of a side, 16 or more
  int64_t examples = 3200;  ///< pictures
};

/// Throws std::invalid_argument for values out of range, named as on the command line.
void check(const ShapesOptions& options);

/// The concepts: four colours of four shapes, "red circle" first.
const std::vector<std::string>& shape_concepts();

/// Images generated from `seed`, all concepts equally often except for the last few images. Each
/// image has one caption, in one of several wordings. Throws std::invalid_argument for options out
/// of range.
CaptionedImages coloured_shapes(const ShapesOptions& options, uint64_t seed);

}  // namespace zoo
