// Heads and padding, as every mixer needs them.
#pragma once
#include <torch/types.h>

#include <algorithm>
#include <cstdint>

namespace zoo::detail {

/// [B, T, H D] -> [B, H, T, D]
inline torch::Tensor into_heads(const torch::Tensor& t, int64_t heads) {
  return t.unflatten(-1, {heads, t.size(-1) / heads}).transpose(1, 2);
}
/// [B, H, T, D] -> [B, T, H D]
inline torch::Tensor from_heads(const torch::Tensor& t) { return t.transpose(1, 2).flatten(2); }
/// [B, G, ...] -> [B, H, ...]: head h reads group h G / H.
inline torch::Tensor repeat_groups(const torch::Tensor& t, int64_t heads) {
  return t.size(1) == heads ? t : t.repeat_interleave(heads / t.size(1), 1);
}

/// Bool [B, T], true: a real token.
inline torch::Tensor real_tokens(const torch::Tensor& lengths, int64_t T, torch::Device device) {
  return torch::arange(T, torch::TensorOptions().dtype(torch::kLong).device(device))
      .unsqueeze(0)
      .lt(lengths.to(device).unsqueeze(1));
}
/// t [B, T, C] or [B, H, T, D] with zeros in padding, whatever it held; unchanged where `lengths`
/// is undefined.
inline torch::Tensor without_padding(const torch::Tensor& t, const torch::Tensor& lengths) {
  if (!lengths.defined()) return t;
  auto padding = real_tokens(lengths, t.size(-2), t.device()).logical_not();  // [B, T]
  if (t.dim() == 4) padding = padding.unsqueeze(1);                           // [B, 1, T]
  return t.masked_fill(padding.unsqueeze(-1), 0.0);
}

/// How many tokens of each row of v [B, H, T, D] to compute in one go, a multiple of `chunk`: as
/// many as fit a CPU's cache, with `width` numbers for each head; on another device all of them.
/// The results do not depend on it.
inline int64_t tokens_at_once(const torch::Tensor& v, int64_t chunk, int64_t width) {
  if (!v.is_cpu()) return (v.size(2) / chunk + 1) * chunk;
  constexpr int64_t kNumbers = int64_t{1} << 18;
  const int64_t token = std::max<int64_t>(1, v.size(0) * v.size(1)) * std::max<int64_t>(64, width);
  return std::max<int64_t>(1, kNumbers / token / chunk) * chunk;
}

}  // namespace zoo::detail
