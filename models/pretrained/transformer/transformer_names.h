// Names of an encoder-decoder's tensors on disk.
#pragma once
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/transformer/transformer_config.h"

namespace zoo {

/// Our names and the layout's. `head_optional`: the file may lack the output layer.
NameMap transformer_name_map(TransformerLayout layout, const TransformerOptions& options,
                             bool head_optional);

}  // namespace zoo
