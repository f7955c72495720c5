// Names of the BERT families' tensors on disk.
#pragma once
#include "models/bert/bert_task.h"
#include "models/pretrained/format/name_map.h"

namespace zoo {

enum class HeadsOnDisk {
  kRequired,
  kOptional,       ///< the heads and the pooler may be missing
  kButClassifier,  ///< the same, and a classifier that is there is another one's: ignored
};

/// Our names and the family's. Heads of pre-training that the task has no use for are ignored, as
/// the reference does.
NameMap bert_name_map(const BertTaskOptions& options, HeadsOnDisk heads = HeadsOnDisk::kRequired);

}  // namespace zoo
