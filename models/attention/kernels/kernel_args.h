// The arguments, outputs and gradients of one attend() call as pointers and strides, for kernels in
// plain C++.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "models/attention/device_code.h"
#include "models/attention/philox.h"

namespace zoo {

// 16-bit floating-point numbers without torch's headers: the bits, and a type for each format.
struct BFloat16Bits {
  uint16_t bits;
};
struct Float16Bits {
  uint16_t bits;
};

/// The rows of a tensor [B, H, L, Dh]; the Dh entries of a row are contiguous.
template <typename Entry>
struct Rows {
  Entry* data = nullptr;
  int64_t batch = 0, head = 0, step = 0;  ///< strides, in entries

  ZOO_DEVICE Entry* at(int64_t b, int64_t h, int64_t i) const {
    return data + b * batch + h * head + i * step;
  }
};

/// An array that broadcasts to [B, H, T, S]; a repeated dimension has stride 0.
template <typename Element>
struct Broadcast {
  const Element* data = nullptr;  ///< null: not given
  int64_t b = 0, h = 0, t = 0, s = 0;

  ZOO_DEVICE const Element* row(int64_t at_b, int64_t at_h, int64_t at_t) const {
    return data + at_b * b + at_h * h + at_t * t;
  }
};

/// Pairs of blocks of `size` positions and `size` keys that may see each other: [heads, rows,
/// columns].
struct BlockLayout {
  const bool* data = nullptr;                         ///< null: not given
  int64_t head = 0, rows = 0, columns = 0, size = 1;  ///< head: stride, 0 where all share one

  int64_t row_of(int64_t position) const {
    return std::min(std::max<int64_t>(position, 0) / size, rows - 1);
  }
  bool sees(int64_t h, int64_t row, int64_t column) const {
    return data[h * head + row * columns + column];
  }
};

/// Keys begin, begin + 1, ..., end - 1; none where end <= begin.
struct KeyRange {
  int64_t begin = 0, end = 0;

  bool empty() const { return begin >= end; }
};

/// The fields of AttendArgs under the same names. Scores and sums are Real; q, k, v, y and their
/// gradients are Entry, which may have fewer bits.
template <typename Real, typename Entry = Real>
struct KernelArgs {
  static constexpr int64_t kNoWindow = int64_t{1}
                                       << 61;  ///< sums of a few such numbers do not overflow

  int64_t B = 0, H = 0, Hkv = 0, T = 0, S = 0, Dh = 0;
  Rows<const Entry> q, k, v;
  Real scale = 1;
  Real score_cap = 0;  ///< 0: none
  bool causal = false;
  int64_t window = kNoWindow;
  int64_t global_tokens = 0;
  const int64_t* query_start = nullptr;     ///< [B]
  const int64_t* key_lengths = nullptr;     ///< [B]
  const int64_t* prefix_lengths = nullptr;  ///< [B]
  BlockLayout block_layout;
  Broadcast<bool> may_attend;
  Broadcast<Real> bias;
  const Real* relative_bias = nullptr;  ///< [H, T + S - 1]
  double dropout = 0.0;
  uint64_t dropout_seed = 0;
  int64_t dropout_row = 0;  ///< number of the first row in the mask

  ZOO_DEVICE int64_t kv_head(int64_t h) const { return h * Hkv / H; }

  /// The position of query t among the keys.
  ZOO_DEVICE int64_t query_position(int64_t b, int64_t t) const {
    const int64_t start = query_start != nullptr ? query_start[b] : S - T;
    const int64_t far = kNoWindow;  // a copy: device code has no address of the constant
    return t + std::clamp(start, -far, far);
  }

  /// The entry of relative_bias for key s and a query at `position`.
  ZOO_DEVICE int64_t relative_entry(int64_t position, int64_t s) const {
    return std::clamp<int64_t>(s - position + S - 1, 0, T + S - 2);
  }

  /// The end of the keys that causal and lengths leave to a query at this position.
  ZOO_DEVICE int64_t end_of_keys(int64_t b, int64_t position) const {
    int64_t end = position + 1;
    if (prefix_lengths != nullptr) end = std::max(end, prefix_lengths[b]);
    if (!causal) end = S;
    if (key_lengths != nullptr) end = std::min(end, key_lengths[b]);
    return std::clamp<int64_t>(end, 0, S);
  }

  /// The keys that causal, window and lengths leave to query t. Neither bound decreases with t.
  ZOO_DEVICE KeyRange visible_keys(int64_t b, int64_t t) const {
    return keys_at(b, query_position(b, t));
  }
  /// The same of a query at this position.
  ZOO_DEVICE KeyRange keys_at(int64_t b, int64_t position) const {
    const int64_t end = end_of_keys(b, position);
    if (window == kNoWindow) return {0, end};
    return {std::clamp<int64_t>(position - window + 1, 0, S),
            std::clamp<int64_t>(position + window, 0, end)};
  }

  /// Whether a query may see more than one range of keys: then segments.h cuts them.
  bool has_segments() const {
    return block_layout.data != nullptr || (global_tokens > 0 && window != kNoWindow);
  }

  /// The keys of a segment that query t of head h sees: one range.
  KeyRange visible_keys(int64_t b, int64_t h, int64_t t, KeyRange segment) const {
    KeyRange seen = visible_keys(b, t);
    if (has_segments()) {
      const int64_t position = query_position(b, t);
      const bool is_global = position >= 0 && position < global_tokens;
      if (is_global || segment.begin < global_tokens) seen = {0, end_of_keys(b, position)};
      if (block_layout.data != nullptr &&
          !block_layout.sees(h, block_layout.row_of(position), segment.begin / block_layout.size))
        seen = {};
    }
    return {std::max(seen.begin, segment.begin), std::min(seen.end, segment.end)};
  }

  ZOO_DEVICE bool has_bias_or_mask() const {
    return may_attend.data != nullptr || bias.data != nullptr || relative_bias != nullptr;
  }

  /// Whether any query may be kept from any key.
  ZOO_DEVICE bool restricted() const {
    return causal || window != kNoWindow || key_lengths != nullptr ||
           block_layout.data != nullptr || has_bias_or_mask();
  }

  /// Caps `count` scaled scores: x becomes score_cap tanh(x / score_cap). slopes: not null, where
  /// the derivatives 1 - tanh^2 go.
  void cap_scores(Real* scores, int64_t count, Real* slopes = nullptr) const {
    for (int64_t n = 0; n < count; ++n) {
      const Real share = std::tanh(scores[n] / score_cap);
      scores[n] = score_cap * share;
      if (slopes != nullptr) slopes[n] = (1 - share) * (1 + share);
    }
  }

  /// Adds `unit` times the biases to the scores of query t with these keys, and sets those that the
  /// mask hides to minus infinity. The scores are `stride` apart.
  ZOO_DEVICE void add_bias_and_mask(int64_t b, int64_t h, int64_t t, KeyRange keys, Real unit,
                                    Real* scores, int64_t stride = 1) const {
    const auto each = [&](auto change) {
      for (int64_t s = keys.begin; s < keys.end; ++s) change(scores[(s - keys.begin) * stride], s);
    };
    const auto add = [unit](Real& score, Real term) {
      constexpr Real kLowest = std::numeric_limits<Real>::lowest();
      const Real sum = score + term * unit;
      // The lowest finite number is often used as a mask. It must stay finite in any unit: a row in
      // which all are as low hides nothing. Minus infinity hides any score, NaN included.
      score = score >= kLowest && term >= kLowest ? std::max(sum, kLowest) : sum;
      if (term < kLowest) score = term;
    };
    if (bias.data != nullptr) {
      const Real* const row = bias.row(b, h, t);
      each([&](Real& score, int64_t s) { add(score, row[s * bias.s]); });
    }
    if (relative_bias != nullptr) {
      const Real* const table = relative_bias + h * (T + S - 1);
      const int64_t position = query_position(b, t);
      each([&](Real& score, int64_t s) { add(score, table[relative_entry(position, s)]); });
    }
    if (may_attend.data != nullptr) {
      const bool* const row = may_attend.row(b, h, t);
      each([&](Real& score, int64_t s) {
        if (!row[s * may_attend.s]) score = -std::numeric_limits<Real>::infinity();
      });
    }
  }

  /// Multiplies the weights of query t by 0 where dropped and by 1 / (1 - dropout) where kept.
  ZOO_DEVICE void apply_dropout(int64_t b, int64_t h, int64_t t, KeyRange keys, Real* weights,
                                int64_t stride = 1) const {
    const auto row = static_cast<uint64_t>(dropout_row + (b * H + h) * T + t);
    const uint32_t threshold = dropout_threshold(dropout);
    const Real factor = dropout < 1.0 ? static_cast<Real>(1.0 / (1.0 - dropout)) : Real{0};
    std::array<uint32_t, 4> words{};  // of keys s / 4 * 4 and the three after it
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      if (s == keys.begin || s % 4 == 0)
        words = dropout_words(dropout_seed, row, static_cast<uint32_t>(s));
      const bool kept = words[static_cast<size_t>(s % 4)] >= threshold;
      weights[(s - keys.begin) * stride] *= kept ? factor : Real{0};
    }
  }
};

/// What a forward pass writes.
template <typename Real, typename Entry = Real>
struct KernelOutputs {
  Rows<Entry> y;
  // [B, H, T], for backward; null: not wanted. Of each row of scores x its maximum m, in the
  // kernel's own unit, and 1 / sum exp(x - m); both 0 where the query sees no key. The usual single
  // number m + log(sum) would lose its logarithm to rounding beside an m of -1e9.
  Real *row_max = nullptr, *inverse_row_sum = nullptr;
  Real* weights = nullptr;  ///< [B, H, T, S], filled with zeros; null: not wanted
};

/// What a backward pass reads and writes. It writes every row of dq, dk and dv.
template <typename Real, typename Entry = Real>
struct KernelGradients {
  Rows<const Entry> y, dy;
  const Real *row_max = nullptr, *inverse_row_sum = nullptr;  ///< as in KernelOutputs
  Real* delta = nullptr;  ///< [B, H, T], scratch: y dy of each row, D in FlashAttention-2
  Rows<Entry> dq, dk, dv;
  /// [B, H, T + S - 1], filled with zeros: of relative_bias, row by row of the batch; null: not
  /// wanted. An entry is the sum of the scores' gradients along a diagonal.
  Real* drelative_bias = nullptr;
};

}  // namespace zoo
