// What a BERT costs: parameters, operations, memory.
#pragma once
#include "models/bert/bert_task.h"
#include "models/cost/cost.h"

namespace zoo {

/// A sequence of `length` tokens through the encoder and, where there is one, its pooler.
ModelCost cost_of(const BertOptions& options, int64_t length);
/// The same with the parameters of the task's heads, but not their operations: a masked-word head
/// costs 2 C (C + V) for each masked token.
ModelCost cost_of(const BertTaskOptions& options, int64_t length);

}  // namespace zoo
