// Names of the BERT families' tensors on disk.
#pragma once
#include "models/bert_task.h"
#include "models/pretrained/name_map.h"

namespace zoo {

/// Our names and the family's. `heads_optional`: the heads and the pooler may be missing. Heads of
/// pre-training that the task has no use for are ignored, as the reference does.
NameMap bert_name_map(const BertTaskOptions& options, bool heads_optional = false);

}  // namespace zoo
