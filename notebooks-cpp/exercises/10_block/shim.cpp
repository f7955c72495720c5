#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/10_block/sub_layers.h"

using namespace exercises;
using namespace exercises::exercise_10;

// Norms, attention and feed-forward come as weights: a gain [C], a mix [T, T], a weight [C, C].
EXERCISE_SHIM({"residual",
               [](const Values& in) -> Value {
                 return residual(in.at(0).toTensor(), norm_of(in.at(1).toTensor()),
                                 feed_forward_of(in.at(2).toTensor()), place(in.at(3).toBool()));
               }},
              {"block",
               [](const Values& in) -> Value {
                 return block(in.at(0).toTensor(), norm_of(in.at(1).toTensor()),
                              attention_of(in.at(2).toTensor()), norm_of(in.at(3).toTensor()),
                              feed_forward_of(in.at(4).toTensor()), place(in.at(5).toBool()));
               }},
              {"stack", [](const Values& in) -> Value {
                 std::vector<SubLayer> blocks;
                 for (const auto& weight : in.at(1).toTensorVector())
                   blocks.push_back(feed_forward_of(weight));
                 return stack(in.at(0).toTensor(), blocks, norm_of(in.at(2).toTensor()),
                              place(in.at(3).toBool()));
               }})
