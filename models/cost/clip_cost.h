// What a CLIP costs: parameters, operations, memory.
#pragma once
#include "models/clip/clip.h"
#include "models/cost/cost.h"

namespace zoo {

/// One picture and one text of `length` tokens, through the towers that the model has.
ModelCost cost_of(const ClipOptions& options, int64_t length);

}  // namespace zoo
