#include "infer/decode/rows.h"

namespace zoo {

torch::Tensor last_counted(const torch::Tensor& t, const torch::Tensor& counts) {
  if (!t.defined()) return t;
  const auto places = (counts - 1).clamp_min(0).view({-1, 1, 1}).to(t.device());
  return t.gather(1, places.expand({-1, 1, t.size(2)}));
}

}  // namespace zoo
