// What training a model takes at the least, from its options alone: asked before anything is made,
// so that a slip of the finger is one line and not a machine that swaps.
#pragma once
#include "models/bert/bert.h"
#include "models/clip/clip.h"
#include "models/gpt/gpt.h"
#include "models/transformer/recurrent.h"
#include "models/transformer/transformer.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"
#include "models/vision/vit.h"
#include "train/loop/options.h"
#include "train/program/train_command.h"

namespace zoo {

/// Lower bounds, in floating point: products of what a command line may say overflow whole numbers.
struct ModelNeed {
  double parameters = 0.0;  ///< of the large matrices; the vocabulary counts where it is known
  double layers = 0.0;      ///< built one by one, each of several small objects
};

ModelNeed need_of(const GptOptions& options);
ModelNeed need_of(const BertOptions& options);
ModelNeed need_of(const TransformerOptions& options);
ModelNeed need_of(const RecurrentOptions& options);
ModelNeed need_of(const VitOptions& options);
ModelNeed need_of(const CctOptions& options);
ModelNeed need_of(const CnnOptions& options);
ModelNeed need_of(const LinearClassifierOptions& options);
ModelNeed need_of(const ClipOptions& options);

/// Throws UsageError where weights, gradients and the optimizer's two moments (and the
/// moving average, where one is kept) would not fit into the machine's memory; of a model to be
/// measured, or to be trained on a GPU, the weights.
void check_memory(const ModelNeed& need, const TrainOptions& options, const TrainCommand& command);

}  // namespace zoo
