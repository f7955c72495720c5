#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/03_heads/heads.h"

// Whether a result shares its argument's memory is seen here, before it travels back.
EXERCISE_SHIM(EXERCISE_FUNCTION(split_heads), EXERCISE_FUNCTION(merge_heads),
              EXERCISE_FUNCTION(head_strides), EXERCISE_FUNCTION(merge_needs_copy),
              {"split_heads_memory",
               [](const exercises::Values& v) -> exercises::Value {
                 const auto x = v.at(0).toTensor();
                 const auto y = split_heads(x, v.at(1).toInt());
                 return c10::ivalue::Tuple::create({y, y.is_alias_of(x)});
               }},
              {"merge_heads_memory", [](const exercises::Values& v) -> exercises::Value {
                 const auto y = v.at(0).toTensor().transpose(1, 2);
                 const auto x = merge_heads(y);
                 return c10::ivalue::Tuple::create({x, x.is_alias_of(y)});
               }})
