#include "infer/decode/rows.h"

namespace zoo {

torch::Tensor last_counted(const torch::Tensor& t, const torch::Tensor& counts) {
  if (!t.defined()) return t;
  const auto last = (counts - 1).clamp_min(0).view({-1, 1, 1}).to(t.device());
  return t.gather(1, last.expand({-1, 1, t.size(2)}));
}

torch::Tensor join_rows(const torch::Tensor& a, const torch::Tensor& b, int64_t dim,
                        int64_t length) {
  const auto fitted = [&](const torch::Tensor& t) {
    // Pairs of (before, after), the last dimension's first; a negative one cuts.
    std::vector<int64_t> padding(static_cast<size_t>(2 * (t.dim() - dim)), 0);
    padding.back() = length - t.size(dim);
    return padding.back() == 0 ? t : torch::constant_pad_nd(t, padding, 0);
  };
  return torch::cat({fitted(a), fitted(b)});
}

torch::Tensor to_tensor(std::span<const int64_t> values) {
  return torch::tensor(at::ArrayRef<int64_t>(values.data(), values.size()), torch::kLong);
}

std::vector<int64_t> to_vector(const torch::Tensor& values) {
  const auto ids = values.to(torch::kCPU, torch::kLong).contiguous();
  return {ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + ids.numel()};
}

}  // namespace zoo
