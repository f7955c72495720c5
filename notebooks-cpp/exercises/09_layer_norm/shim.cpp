#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/09_layer_norm/layer_norm.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(layer_norm),
              {"layer_norm_backward", [](const exercises::Values& v) -> exercises::Value {
                 const c10::InferenceMode by_hand;
                 return layer_norm_backward(v.at(0).toTensor(), v.at(1).toTensor(),
                                            v.at(2).toTensor(), v.at(3).toDouble());
               }})
