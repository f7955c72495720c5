// What a classifier of images costs: parameters, operations, memory.
#pragma once
#include "models/cost/cost.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"
#include "models/vision/vit.h"

namespace zoo {

/// One picture of the model's own size.
ModelCost cost_of(const VitOptions& options);
ModelCost cost_of(const CctOptions& options);
ModelCost cost_of(const CnnOptions& options);
ModelCost cost_of(const LinearClassifierOptions& options);

}  // namespace zoo
