#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/05_multi_head_attention/multi_head_attention.h"

namespace {

/// From the arguments at n.
AttentionLayer layer(const exercises::Values& v, size_t n) {
  return {v.at(n).toTensor(),     v.at(n + 1).toTensor(), v.at(n + 2).toTensor(),
          v.at(n + 3).toTensor(), v.at(n + 4).toInt(),    v.at(n + 5).toInt()};
}

}  // namespace

EXERCISE_SHIM(EXERCISE_FUNCTION(share_kv_heads),
              {"project_in",
               [](const exercises::Values& v) -> exercises::Value {
                 return project_in(layer(v, 2), v.at(0).toTensor(), v.at(1).toTensor());
               }},
              {"self_attention",
               [](const exercises::Values& v) -> exercises::Value {
                 const auto x = v.at(0).toTensor();
                 return multi_head_attention(layer(v, 2), x, x, v.at(1).toBool());
               }},
              {"cross_attention", [](const exercises::Values& v) -> exercises::Value {
                 return multi_head_attention(layer(v, 2), v.at(0).toTensor(), v.at(1).toTensor(),
                                             false);
               }})
