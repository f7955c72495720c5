// What one pass of a checkpoint costs, of either kind of encoder-decoder.
#pragma once
#include <fmt/format.h>

#include "models/cost/transformer_cost.h"
#include "models/pretrained/registry/model_family.h"

namespace zoo {

/// length: tokens of source and target (0: the model's context, or 512 where it has no limit).
template <class Options>
CheckpointCost encoder_decoder_cost(const Options& options, int64_t length) {
  if (length == 0) length = options.context > 0 ? options.context : 512;
  return {.input = fmt::format("a source and a target of {} tokens", length),
          .cost = cost_of(options, length)};
}

}  // namespace zoo
