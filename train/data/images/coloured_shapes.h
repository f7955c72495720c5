// Coloured shapes with captions: a data set for CLIP that needs no data. A red circle somewhere on
// a grey ground, large or small, is "a red circle", "a circle in red", ...
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

/// The things that are drawn: four colours of four shapes, "red circle" first.
const std::vector<std::string>& shape_concepts();

/// Pictures drawn from `seed`, all concepts equally often but for the last few. A picture has one
/// caption, in one of several wordings. Throws std::invalid_argument for options out of range.
CaptionedImages coloured_shapes(const ShapesOptions& options, uint64_t seed);

}  // namespace zoo
