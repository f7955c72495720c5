// One call of attend() laid open for kernels in plain C++: pointers, strides and structure.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "models/attention/device_code.h"
#include "models/attention/philox.h"

namespace zoo {

// Numbers of 16 bits where torch's headers are not: their bits, and by the type which kind they
// are.
struct BFloat16Bits {
  uint16_t bits;
};
struct Float16Bits {
  uint16_t bits;
};

/// The rows of a tensor [B, H, L, Dh], whose Dh entries lie side by side.
template <typename Entry>
struct Rows {
  Entry* data = nullptr;
  int64_t batch = 0, head = 0, step = 0;  ///< distances between rows

  ZOO_DEVICE Entry* at(int64_t b, int64_t h, int64_t i) const {
    return data + b * batch + h * head + i * step;
  }
};

/// An array that broadcasts to [B, H, T, S]: where it repeats, its distance is 0.
template <typename Element>
struct Broadcast {
  const Element* data = nullptr;  ///< null: not given
  int64_t b = 0, h = 0, t = 0, s = 0;

  ZOO_DEVICE const Element* row(int64_t at_b, int64_t at_h, int64_t at_t) const {
    return data + at_b * b + at_h * h + at_t * t;
  }
};

/// Keys begin, begin + 1, ..., end - 1; none where end <= begin.
struct KeyRange {
  int64_t begin = 0, end = 0;
};

/// The names are those of AttendArgs, which says what they mean. Scores and sums are Real; queries,
/// keys, values and what becomes of them are of type Entry, which may be shorter.
template <typename Real, typename Entry = Real>
struct PlainCall {
  static constexpr int64_t kNoWindow = int64_t{1} << 61;  ///< no number of this size overflows here

  int64_t B = 0, H = 0, Hkv = 0, T = 0, S = 0, Dh = 0;
  Rows<const Entry> q, k, v;
  Real scale = 1;
  bool causal = false;
  int64_t window = kNoWindow;
  const int64_t* query_start = nullptr;  ///< [B]
  const int64_t* key_lengths = nullptr;  ///< [B]
  Broadcast<bool> may_attend;
  Broadcast<Real> bias;
  const Real* relative_bias = nullptr;  ///< [H, T + S - 1]
  double dropout = 0.0;
  uint64_t dropout_seed = 0;

  ZOO_DEVICE int64_t kv_head(int64_t h) const { return h * Hkv / H; }

  /// What causal, window and lengths leave to query t. Neither bound ever falls as t grows.
  ZOO_DEVICE KeyRange keys_of(int64_t b, int64_t t) const {
    const int64_t start = query_start != nullptr ? query_start[b] : S - T;
    const int64_t far = kNoWindow;  // a copy: device code has no address of the constant
    const int64_t place = t + std::clamp(start, -far, far);
    int64_t end = key_lengths != nullptr ? key_lengths[b] : S;
    if (causal) {
      end = std::min(end, place + 1);
    } else if (window != kNoWindow) {
      end = std::min(end, place + window);
    }
    const auto inside = [&](int64_t s) { return std::clamp<int64_t>(s, 0, S); };
    return {window == kNoWindow ? 0 : inside(place - window + 1), inside(end)};
  }

  /// Whether a score depends on more than its q and k.
  ZOO_DEVICE bool has_terms() const {
    return may_attend.data != nullptr || bias.data != nullptr || relative_bias != nullptr;
  }

  /// Whether a query may see fewer than all keys.
  ZOO_DEVICE bool restricted() const {
    return causal || window != kNoWindow || key_lengths != nullptr || has_terms();
  }

  /// Adds `unit` times the biases to the scores of query t with these keys, and makes minus
  /// infinity of those that the mask hides. The scores lie `stride` apart.
  ZOO_DEVICE void add_terms(int64_t b, int64_t h, int64_t t, KeyRange keys, Real unit, Real* scores,
                            int64_t stride = 1) const {
    const auto each = [&](auto change) {
      for (int64_t s = keys.begin; s < keys.end; ++s) change(scores[(s - keys.begin) * stride], s);
    };
    const auto add = [unit](Real& score, Real term) {
      constexpr Real kLowest = std::numeric_limits<Real>::lowest();
      const Real sum = score + term * unit;
      // The lowest number is often used as a bias to hide. It is finite, in any unit: where all are
      // as low, nothing is hidden. Minus infinity hides whatever the score is, NaN included.
      score = score >= kLowest && term >= kLowest ? std::max(sum, kLowest) : sum;
      if (term < kLowest) score = term;
    };
    if (bias.data != nullptr) {
      const Real* const row = bias.row(b, h, t);
      each([&](Real& score, int64_t s) { add(score, row[s * bias.s]); });
    }
    if (relative_bias != nullptr) {
      const Real* const row = relative_bias + h * (T + S - 1) + T - 1 - t;
      each([&](Real& score, int64_t s) { add(score, row[s]); });
    }
    if (may_attend.data != nullptr) {
      const bool* const row = may_attend.row(b, h, t);
      each([&](Real& score, int64_t s) {
        if (!row[s * may_attend.s]) score = -std::numeric_limits<Real>::infinity();
      });
    }
  }

  /// Multiplies the weights of query t by 0 where dropped, by 1 / (1 - dropout) where kept.
  ZOO_DEVICE void drop(int64_t b, int64_t h, int64_t t, KeyRange keys, Real* weights,
                       int64_t stride = 1) const {
    const auto row = static_cast<uint64_t>((b * H + h) * T + t);
    const uint32_t threshold = dropout_threshold(dropout);
    const Real grown = dropout < 1.0 ? static_cast<Real>(1.0 / (1.0 - dropout)) : Real{0};
    std::array<uint32_t, 4> words{};  // of keys s / 4 * 4 and the three after it
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      if (s == keys.begin || s % 4 == 0)
        words = dropout_words(dropout_seed, row, static_cast<uint32_t>(s));
      const bool kept = words[static_cast<size_t>(s % 4)] >= threshold;
      weights[(s - keys.begin) * stride] *= kept ? grown : Real{0};
    }
  }
};

/// What a forward pass fills.
template <typename Real, typename Entry = Real>
struct PlainResult {
  Rows<Entry> y;
  // For backward, null: not wanted. [B, H, T]: a row's largest score, in whatever unit the kernel
  // has scores (0 where it sees nothing), and 1 / the sum of its exponentials in units of that
  // score's (0 there). Together they would be one number, top + log sum; but beside a top of -1e9
  // the logarithm would be lost in rounding.
  Real *tops = nullptr, *inverse_sums = nullptr;
  Real* weights = nullptr;  ///< [B, H, T, S], zeros so far; null: not wanted
};

/// What a backward pass reads and fills. Rows of dq, dk and dv are all written.
template <typename Real, typename Entry = Real>
struct PlainGradients {
  Rows<const Entry> y, dy;
  const Real *tops = nullptr, *inverse_sums = nullptr;  ///< as PlainResult has them
  Real* pulls = nullptr;  ///< [B, H, T]: y dy of each row, for kernels that make dq first
  Rows<Entry> dq, dk, dv;
};

}  // namespace zoo
