#include "models/layers/dropout.h"

#include <c10/util/Exception.h>

#include "models/layers/batch_shard.h"

namespace zoo {

torch::Tensor drop_out(const torch::Tensor& x, double p) {
  if (BatchShardGuard::current() == nullptr) return torch::dropout(x, p, /*train=*/true);
  return x * draw_rows(x.sizes().vec(), [&](const std::vector<int64_t>& shape) {
           const torch::NoGradGuard no_grad;
           return torch::dropout(torch::ones(shape, x.options()), p, /*train=*/true);
         });
}

DropoutImpl::DropoutImpl(double p_) : p(p_) {
  TORCH_CHECK(p >= 0.0 && p <= 1.0, "Dropout: the probability must be in [0, 1], got ", p);
}

torch::Tensor DropoutImpl::forward(const torch::Tensor& x) {
  return p > 0.0 && is_training() ? drop_out(x, p) : x;
}

}  // namespace zoo
