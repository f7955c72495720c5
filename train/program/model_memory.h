// The memory for training a model, from its options alone. It is checked before anything is
// allocated, so that a mistyped number gives an error and not a machine that swaps.
#pragma once
#include "models/cost/cost.h"
#include "train/loop/options.h"
#include "train/program/train_command.h"

namespace zoo {

/// Throws UsageError if weights, gradients and the optimizer's two moments (and the moving average,
/// if enabled) do not fit into the machine's memory; for evaluation or for training on a GPU, the
/// weights alone. The vocabulary is included if it is known.
void check_memory(const ModelCost& cost, const TrainOptions& options, const TrainCommand& command);

}  // namespace zoo
