#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/26_lora/lora.h"

using exercises::Value;
using exercises::Values;

// What is kept for unmerging is the student's own choice: only merge and unmerge together show it.
EXERCISE_SHIM(EXERCISE_FUNCTION(lora_init), EXERCISE_FUNCTION(lora_linear),
              {"lora_merge",
               [](const Values& in) -> Value {
                 return std::get<0>(lora_merge(in.at(0).toTensor(), in.at(1).toTensor(),
                                               in.at(2).toTensor(), in.at(3).toDouble()));
               }},
              {"lora_unmerge", [](const Values& in) -> Value {
                 const auto [merged, kept] = lora_merge(in.at(0).toTensor(), in.at(1).toTensor(),
                                                        in.at(2).toTensor(), in.at(3).toDouble());
                 return lora_unmerge(merged, kept);
               }})
