// decode: a few queries against a long cache, as when a text is generated token by token.
//
// What differs from `flash`: with one query there is nothing to tile, the time is that of reading
// keys and values once, and the only work to share between threads lies along the keys. So the
// cache is cut into runs of 512 keys, each gives an unfinished output with its own maximum and sum,
// and these are put together at the end ("split-KV" decoding: Dao et al. 2023, "Flash-Decoding for
// long-context inference"). Query heads that share a key-value head go through it together, so that
// a cache of Hkv heads is read once and not H / Hkv times. Costs 4 B H T S Dh operations, and Dh +
// 2 numbers of memory for each query and run. No backward pass. More than 16
// queries, such as a long prompt before the first token, are left to `flash`.
#include <cmath>
#include <numbers>
#include <vector>

#include "models/attention/kernels/blocks.h"
#include "models/attention/kernels/decode_rows.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"
#include "models/simd/parallel.h"

namespace zoo {
namespace {

constexpr int64_t kRun = 512;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// What one query has of one run of keys.
struct Part {
  float top = -kInfinity, sum = 0;
};

class Decode {
 public:
  Decode(const PlainCall<float>& call, const PlainResult<float>& result)
      : call_(call),
        result_(result),
        group_(call.H / call.Hkv),
        rows_(group_ * call.T),
        runs_((call.S + kRun - 1) / kRun),
        parts_(static_cast<size_t>(call.B * call.Hkv * runs_ * rows_)),
        sums_(parts_.size() * static_cast<size_t>(call.Dh)) {}

  void run() {
    for_each_task(call_.B * call_.Hkv * runs_, [&](int64_t n) {
      one_run(n / runs_ / call_.Hkv, n / runs_ % call_.Hkv, n % runs_);
    });
    for (int64_t head = 0; head < call_.B * call_.Hkv; ++head)
      for (int64_t r = 0; r < rows_; ++r) put_together(head, r);
  }

 private:
  int64_t head_of(int64_t kv, int64_t row) const { return kv * group_ + row / call_.T; }
  int64_t query_of(int64_t row) const { return row % call_.T; }
  size_t place_of(int64_t head, int64_t run, int64_t row) const {
    return static_cast<size_t>((head * runs_ + run) * rows_ + row);
  }

  void one_run(int64_t b, int64_t kv, int64_t run) {
    const int64_t head = b * call_.Hkv + kv, Dh = call_.Dh;
    // The rows of one head see nested runs of keys: the last query the furthest.
    KeyRange keys{std::max(run * kRun, call_.keys_of(b, 0).begin),
                  std::min((run + 1) * kRun, call_.keys_of(b, call_.T - 1).end)};
    const int64_t count = keys.end - keys.begin;
    if (count <= 0) return;
    std::vector<float> queries(static_cast<size_t>(rows_ * Dh)),
        scores(static_cast<size_t>(rows_ * count));
    for (int64_t r = 0; r < rows_; ++r) {
      const float* const q = call_.q.at(b, head_of(kv, r), query_of(r));
      for (int64_t i = 0; i < Dh; ++i)
        queries[static_cast<size_t>(r * Dh + i)] =
            q[i] * call_.scale * std::numbers::log2e_v<float>;
    }
    decode::multiply_keys(queries.data(), rows_, call_.k.at(b, kv, keys.begin), call_.k.step, count,
                          Dh, scores.data(), count);
    for (int64_t r = 0; r < rows_; ++r) {
      parts_[place_of(head, run, r)] =
          soften(b, head_of(kv, r), query_of(r), keys, scores.data() + r * count);
    }
    decode::add_values(scores.data(), count, rows_, call_.v.at(b, kv, keys.begin), call_.v.step,
                       count, Dh, sums_.data() + place_of(head, run, 0) * static_cast<size_t>(Dh));
  }

  /// Scores become weights in units of 2^top.
  Part soften(int64_t b, int64_t h, int64_t t, KeyRange keys, float* scores) const {
    const int64_t count = keys.end - keys.begin;
    const KeyRange seen = call_.keys_of(b, t);
    if (call_.has_terms()) call_.add_terms(b, h, t, keys, std::numbers::log2e_v<float>, scores);
    for (int64_t s = keys.begin; s < std::min(seen.begin, keys.end); ++s)
      scores[s - keys.begin] = -kInfinity;
    for (int64_t s = std::max(seen.end, keys.begin); s < keys.end; ++s)
      scores[s - keys.begin] = -kInfinity;
    const float top = blocks::largest(scores, count, -kInfinity);
    if (top == -kInfinity) {
      std::fill_n(scores, count, 0.0F);
      return {};
    }
    const Part part{top, decode::weigh(scores, count, top)};
    if (call_.dropout > 0.0) call_.drop(b, h, t, keys, scores);
    return part;
  }

  void put_together(int64_t head, int64_t row) const {
    const int64_t b = head / call_.Hkv, h = head_of(head % call_.Hkv, row), t = query_of(row);
    float top = -kInfinity, sum = 0;
    for (int64_t run = 0; run < runs_; ++run)
      top = blocks::largest(&parts_[place_of(head, run, row)].top, 1, top);
    float* const y = result_.y.at(b, h, t);
    std::fill_n(y, call_.Dh, 0.0F);
    if (top == -kInfinity) return;
    for (int64_t run = 0; run < runs_; ++run) {
      const size_t place = place_of(head, run, row);
      const float unit = std::exp2(parts_[place].top - top);
      sum += parts_[place].sum * unit;
      const float* const part = sums_.data() + place * static_cast<size_t>(call_.Dh);
      for (int64_t i = 0; i < call_.Dh; ++i) y[i] += unit * part[i];
    }
    for (int64_t i = 0; i < call_.Dh; ++i) y[i] /= sum;
    mend_queries(call_, result_, b, h, t, 1);
  }

  const PlainCall<float>& call_;
  const PlainResult<float>& result_;
  int64_t group_, rows_, runs_;  // rows: queries that share a key-value head
  std::vector<Part> parts_;      // [B * Hkv, runs, rows]
  std::vector<float> sums_;      // [B * Hkv, runs, rows, Dh]
};

class DecodeKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "decode"; }
  std::string_view summary() const override {
    return "a few queries against a long cache, shared between threads along the keys";
  }
  Abilities abilities() const override { return {}; }
  using PlainKernel::forward;
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    if (call.T > decode::kMostQueries) return flash_kernel().forward(call, result);
    Decode(call, result).run();
  }
};

}  // namespace

const PlainKernel& decode_kernel() {
  static const DecodeKernel kernel;
  return kernel;
}

}  // namespace zoo
