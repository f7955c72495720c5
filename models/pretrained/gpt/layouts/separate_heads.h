// Names of attention's matrices where queries, keys and values have one each, of which layers may
// lack heads.
#pragma once
#include <string>

#include "models/gpt/gpt.h"
#include "models/pretrained/format/name_map.h"

namespace zoo {

/// `attention`: theirs, with {} for the layer, such as "model.layers.{}.self_attn."; `out`: the
/// output projection's after it.
void add_separate_heads(NameMap& map, const GptOptions& options, const std::string& attention,
                        const std::string& out);

}  // namespace zoo
