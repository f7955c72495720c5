// One random draw per sample.
#include "models/layers/drop_path.h"

#include <c10/util/Exception.h>

#include <vector>

#include "models/layers/batch_shard.h"

namespace zoo {

torch::Tensor drop_path(const torch::Tensor& branch, double dropped) {
  TORCH_CHECK(dropped >= 0.0 && dropped < 1.0, "drop_path: the probability must be in [0, 1), got ",
              dropped);
  std::vector<int64_t> shape(static_cast<size_t>(branch.dim()), 1);
  shape[0] = branch.size(0);
  const auto kept = draw_rows(shape, [&](const std::vector<int64_t>& all) {
    return torch::empty(all, branch.options()).bernoulli_(1.0 - dropped);
  });  // [B, 1, ...]
  return branch * kept.div(1.0 - dropped);
}

double drop_path_of_layer(double of_last, int64_t layer, int64_t layers) {
  return layers > 1 ? of_last * static_cast<double>(layer) / static_cast<double>(layers - 1)
                    : of_last;
}

}  // namespace zoo
