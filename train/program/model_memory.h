// What training a model takes, from its options alone: checked before anything is made, so that a
// mistyped number gives one line and not a machine that swaps.
#pragma once
#include "models/cost/cost.h"
#include "train/loop/options.h"
#include "train/program/train_command.h"

namespace zoo {

/// Throws UsageError where weights, gradients and the optimizer's two moments (and the moving
/// average, where one is kept) would not fit into the machine's memory; of a model to be measured,
/// or to be trained on a GPU, the weights. The vocabulary counts where it is known.
void check_memory(const ModelCost& cost, const TrainOptions& options, const TrainCommand& command);

}  // namespace zoo
