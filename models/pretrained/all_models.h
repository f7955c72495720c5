// Every family that the zoo has, for programs that open any checkpoint.
#pragma once
#include "models/pretrained/registry/model_registry.h"

namespace zoo {

/// Made at the first call.
const ModelRegistry& all_models();

}  // namespace zoo
