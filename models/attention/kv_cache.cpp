// One buffer for keys and one for values, filled from the left.
#include "models/attention/kv_cache.h"

#include <c10/util/Exception.h>

namespace zoo {

KvCache::KvCache(int64_t batch, int64_t kv_heads, int64_t capacity, int64_t head_width,
                 torch::TensorOptions options)
    : keys_(torch::zeros({batch, kv_heads, capacity, head_width}, options)),
      values_(torch::zeros_like(keys_)),
      lengths_(torch::zeros({batch}, torch::kLong)) {}

std::pair<torch::Tensor, torch::Tensor> KvCache::append(const torch::Tensor& k,
                                                        const torch::Tensor& v,
                                                        const torch::Tensor& counts) {
  TORCH_CHECK(k.dim() == 4 && k.sizes() == v.sizes() && k.size(0) == keys_.size(0) &&
                  k.size(1) == keys_.size(1) && k.size(3) == keys_.size(3),
              "KvCache: k and v must be [", keys_.size(0), ", ", keys_.size(1), ", tokens, ",
              keys_.size(3), "], got ", k.sizes(), " and ", v.sizes());
  const int64_t T = k.size(2);
  const torch::NoGradGuard no_grad;
  const auto added =
      counts.defined() ? counts.cpu() : torch::full({lengths_.size(0)}, T, torch::kLong);
  TORCH_CHECK(added.sizes() == lengths_.sizes() && added.scalar_type() == torch::kLong &&
                  added.ge(0).all().item<bool>() && added.le(T).all().item<bool>(),
              "KvCache: counts must be int64 [", lengths_.size(0), "], each between 0 and the ", T,
              " tokens given");
  const auto after = lengths_ + added;  // [B]
  const int64_t needed = after.numel() == 0 ? 0 : after.max().item<int64_t>();
  TORCH_CHECK(needed <= capacity(), "KvCache: ", needed, " tokens do not fit its capacity of ",
              capacity());

  if (uniform_ && !counts.defined()) {
    keys_.narrow(2, longest_, T).copy_(k);
    values_.narrow(2, longest_, T).copy_(v);
  } else {
    for (int64_t b = 0; b < lengths_.size(0); ++b) {
      const auto start = lengths_[b].item<int64_t>(), count = added[b].item<int64_t>();
      keys_[b].narrow(1, start, count).copy_(k[b].narrow(1, 0, count));
      values_[b].narrow(1, start, count).copy_(v[b].narrow(1, 0, count));
    }
  }
  set_lengths(after);
  return {keys_.narrow(2, 0, longest_), values_.narrow(2, 0, longest_)};  // [B, Hkv, S, Dh]
}

void KvCache::reorder(const torch::Tensor& rows) {
  const torch::NoGradGuard no_grad;
  const auto on_device = rows.to(keys_.device());
  auto keys =
      torch::zeros({rows.size(0), keys_.size(1), capacity(), keys_.size(3)}, keys_.options());
  auto values = torch::zeros_like(keys);
  keys.narrow(2, 0, longest_).copy_(keys_.narrow(2, 0, longest_).index_select(0, on_device));
  values.narrow(2, 0, longest_).copy_(values_.narrow(2, 0, longest_).index_select(0, on_device));
  keys_ = keys;
  values_ = values;
  set_lengths(lengths_.index_select(0, rows.cpu()));
}

void KvCache::truncate(const torch::Tensor& lengths) {
  const auto wanted = lengths.to(torch::kCPU, torch::kLong, /*non_blocking=*/false, /*copy=*/true);
  TORCH_CHECK(wanted.sizes() == lengths_.sizes() && wanted.le(lengths_).all().item<bool>() &&
                  wanted.ge(0).all().item<bool>(),
              "KvCache: truncate must not lengthen a row");
  set_lengths(wanted);
}

void KvCache::set_lengths(torch::Tensor lengths) {
  lengths_ = std::move(lengths);
  longest_ = lengths_.numel() == 0 ? 0 : lengths_.max().item<int64_t>();
  uniform_ = lengths_.numel() == 0 || lengths_.min().item<int64_t>() == longest_;
}

}  // namespace zoo
