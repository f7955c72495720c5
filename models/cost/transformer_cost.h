// What an encoder-decoder costs: parameters, operations, memory.
#pragma once
#include "models/cost/cost.h"
#include "models/transformer/recurrent.h"
#include "models/transformer/transformer.h"

namespace zoo {

/// A source and a target of `length` tokens each, with scores of all words.
ModelCost cost_of(const TransformerOptions& options, int64_t length);
ModelCost cost_of(const RecurrentOptions& options, int64_t length);

}  // namespace zoo
