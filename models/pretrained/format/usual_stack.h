// What the layouts of transformers expect of a stack of blocks.
#pragma once
#include <string_view>

#include "models/layers/stack_options.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {

/// Layer norms with a shift, biases everywhere, heads all alike, the usual scale: what every layout
/// but Llama's has built in. `prefix` stands before the options' names ("text-"). Where the layout
/// has a key for the biases of queries, keys and values, `any_qkv_bias`.
void expect_usual_stack(const StackOptions& options, Demands& demands, std::string_view prefix = {},
                        bool any_qkv_bias = false);

}  // namespace zoo
