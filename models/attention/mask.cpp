// Causal, window, lengths and masks as one dense tensor.
#include "models/attention/mask.h"

#include <algorithm>

namespace zoo {
namespace {

torch::Tensor per_row(const torch::Tensor& t, torch::Device device) {
  return t.to(device).view({-1, 1, 1, 1});  // [B, 1, 1, 1]
}

/// [B or 1, 1, T, 1]
torch::Tensor query_positions(const AttendArgs& args, int64_t T, int64_t S, torch::Device device) {
  const auto queries = torch::arange(T, torch::dtype(torch::kLong).device(device)).view({T, 1});
  const auto start = args.query_start.defined()
                         ? per_row(args.query_start, device)
                         : torch::full({1, 1, 1, 1}, S - T, queries.options());
  return start + queries;
}

/// The entry of block_layout of each query and key: [B or 1, H or 1, T, S].
torch::Tensor layout_mask(const AttendArgs& args, int64_t T, int64_t S, torch::Device device) {
  const auto layout = args.block_layout.to(device);
  const auto rows = query_positions(args, T, S, device)
                        .clamp_min(0)
                        .div(args.block_size, "floor")
                        .clamp_max(layout.size(-2) - 1);  // [B or 1, 1, T, 1]
  const auto columns = torch::arange(S, rows.options()).div(args.block_size, "floor");  // [S]
  const auto heads = layout.dim() == 3 ? layout : layout.unsqueeze(0);  // [H or 1, Tb, Sb]
  return heads.index_select(1, rows.flatten())
      .index_select(2, columns)
      .view({heads.size(0), rows.size(0), T, S})
      .transpose(0, 1);
}

torch::Tensor both(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a.logical_and(b) : a;
}

}  // namespace

bool is_unrestricted(const AttendArgs& args, int64_t T) {
  // A single query at the last key sees all keys, causal or not: decoding steps need no mask.
  const bool causal_matters = args.causal && (T > 1 || args.query_start.defined());
  return !causal_matters && !args.window && !args.key_lengths.defined() &&
         !args.may_attend.defined() && !args.block_layout.defined();
}

torch::Tensor dense_mask(const AttendArgs& args, int64_t T, int64_t S, torch::Device device) {
  if (is_unrestricted(args, T)) return {};
  const auto options = torch::TensorOptions().dtype(torch::kLong).device(device);
  const auto keys = torch::arange(S, options).view({1, 1, 1, S});
  torch::Tensor mask;
  if (args.causal || args.window) {
    const auto positions = query_positions(args, T, S, device);
    const auto distance = positions - keys;  // [B or 1, 1, T, S]
    if (args.causal) mask = distance.ge(0);
    if (args.causal && args.prefix_lengths.defined())
      mask = mask.logical_or(keys.lt(per_row(args.prefix_lengths, device)));
    const auto is_first = [&](const torch::Tensor& places) {
      return places.ge(0).logical_and(places.lt(args.global_tokens));
    };
    if (args.window) {
      auto near = distance.lt(*args.window).logical_and(distance.gt(-*args.window));
      if (args.global_tokens > 0)
        near = near.logical_or(is_first(positions)).logical_or(is_first(keys));
      mask = both(mask, near);
    }
  }
  if (args.block_layout.defined()) mask = both(mask, layout_mask(args, T, S, device));
  if (args.key_lengths.defined())
    mask = both(mask, keys.lt(per_row(args.key_lengths, device)));  // [B, 1, 1, S]
  if (args.may_attend.defined()) mask = both(mask, args.may_attend.to(device));
  return mask;
}

torch::Tensor relative_entries(const AttendArgs& args, int64_t T, int64_t S, torch::Device device) {
  const auto options = torch::TensorOptions().dtype(torch::kLong).device(device);
  const auto keys = torch::arange(S, options);                     // [S]
  const auto queries = torch::arange(T, options).view({1, T, 1});  // [1, T, 1]
  const auto positions = args.query_start.defined()
                             ? queries + args.query_start.to(device).view({-1, 1, 1})
                             : queries + (S - T);
  return (keys - positions + (S - 1)).clamp(0, std::max<int64_t>(0, T + S - 2));  // [B or 1, T, S]
}

torch::Tensor dense_bias(const AttendArgs& args, int64_t T, int64_t S) {
  if (!args.relative_bias.defined()) return args.bias;
  const auto entries = relative_entries(args, T, S, args.relative_bias.device());
  const auto relative = args.relative_bias.index_select(1, entries.flatten())
                            .view({-1, entries.size(0), T, S})
                            .transpose(0, 1);  // [B or 1, H, T, S]
  return args.bias.defined() ? args.bias + relative : relative;
}

}  // namespace zoo
