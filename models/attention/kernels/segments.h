// The keys that queries see, cut into segments: in a segment each query sees one range. All kernels
// of the CPU iterate over these, and so skip what nobody sees.
//
// Without global tokens and layouts there is one segment, of all keys. The first `global_tokens`
// keys are a segment of their own, and neighbouring columns of a layout are one where all queries
// of the block agree on them.
#pragma once
#include <algorithm>
#include <cstdint>

#include "models/attention/kernels/kernel_args.h"

namespace zoo {

/// Queries first ... first + count - 1 of heads h ... h + heads - 1 in row b of the batch.
struct QueryBlock {
  int64_t b, h, first, count;
  int64_t heads = 1;
};

namespace detail {

/// Calls f(h, row) for each head and row of the layout that the queries meet; true once f is.
template <typename Real, typename F>
bool any_row(const KernelArgs<Real>& args, const QueryBlock& of, F f) {
  const BlockLayout& layout = args.block_layout;
  const int64_t first = layout.row_of(args.query_position(of.b, of.first)),
                last = layout.row_of(args.query_position(of.b, of.first + of.count - 1));
  const int64_t heads = layout.head == 0 ? 1 : of.heads;
  for (int64_t h = of.h; h < of.h + heads; ++h)
    for (int64_t row = first; row <= last; ++row)
      if (f(h, row)) return true;
  return false;
}

/// The end of the segment that begins at key s.
template <typename Real>
int64_t segment_end(const KernelArgs<Real>& args, const QueryBlock& of, int64_t s) {
  const int64_t end = s < args.global_tokens ? std::min(args.S, args.global_tokens) : args.S;
  const BlockLayout& layout = args.block_layout;
  if (layout.data == nullptr) return end;
  const int64_t column = s / layout.size;
  int64_t next = column + 1;
  const auto differs = [&](int64_t h, int64_t row) {
    return layout.sees(h, row, column) != layout.sees(h, row, next);
  };
  while (next * layout.size < end && !any_row(args, of, differs)) ++next;
  return std::min(end, next * layout.size);
}

}  // namespace detail

/// Calls f(segment) for the segments of the keys in `within` that some of the queries may see.
template <typename Real, typename F>
void for_each_segment(const KernelArgs<Real>& args, const QueryBlock& of, KeyRange within, F f) {
  if (!args.has_segments()) return f(within);
  const int64_t last = args.query_position(of.b, of.first + of.count - 1);
  const int64_t end = std::min(within.end, args.end_of_keys(of.b, last));
  const BlockLayout& layout = args.block_layout;
  for (int64_t s = within.begin; s < end;) {
    const KeyRange segment{s, std::min(end, detail::segment_end(args, of, s))};
    const auto sees = [&](int64_t h, int64_t row) { return layout.sees(h, row, s / layout.size); };
    if (layout.data == nullptr || detail::any_row(args, of, sees)) f(segment);
    s = segment.end;
  }
}
template <typename Real, typename F>
void for_each_segment(const KernelArgs<Real>& args, const QueryBlock& of, F f) {
  for_each_segment(args, of, {0, args.S}, f);
}

/// From the first to the last key of a segment that some of the queries see.
template <typename Real>
KeyRange keys_of_any(const KernelArgs<Real>& args, const QueryBlock& of, KeyRange segment) {
  KeyRange all{segment.end, segment.begin};
  const int64_t heads = args.block_layout.head == 0 ? 1 : of.heads;
  for (int64_t h = of.h; h < of.h + heads; ++h) {
    for (int64_t t = of.first; t < of.first + of.count; ++t) {
      const KeyRange seen = args.visible_keys(of.b, h, t, segment);
      if (seen.empty()) continue;
      all = {std::min(all.begin, seen.begin), std::max(all.end, seen.end)};
    }
  }
  return all;
}

}  // namespace zoo
