// decode: a few queries against a long cache, as in generating text token by token.
//
// With one query there is nothing to tile: the time is that of reading keys and values once, and
// only the keys can be divided between threads. So the cache is split into chunks of 512 keys. Each
// chunk gives a partial output with its own maximum and sum, and these are merged at the end
// ("split-KV" decoding: Dao et al. 2023, "Flash-Decoding for long-context inference"). Query heads
// that share a key-value head are computed together, so that a cache of Hkv heads is read once and
// not H / Hkv times. Costs 4 B H T S Dh operations, and Dh + 2 numbers for each query and chunk. No
// backward pass. `flash` takes over above 16 queries, such as a prompt.
#include <cmath>
#include <numbers>
#include <vector>

#include "models/attention/kernels/blocks.h"
#include "models/attention/kernels/decode_rows.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"
#include "models/simd/parallel.h"

namespace zoo {
namespace {

constexpr int64_t kChunk = 512;
constexpr float kLog2E = std::numbers::log2e_v<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The softmax of one query over one chunk of keys.
struct PartialSoftmax {
  float row_max = -kInfinity, row_sum = 0;
};

class Decode {
 public:
  Decode(const KernelArgs<float>& args, const KernelOutputs<float>& outputs)
      : args_(args),
        outputs_(outputs),
        group_(args.H / args.Hkv),
        rows_(group_ * args.T),
        chunks_((args.S + kChunk - 1) / kChunk),
        parts_(static_cast<size_t>(args.B * args.Hkv * chunks_ * rows_)),
        sums_(parts_.size() * static_cast<size_t>(args.Dh)) {}

  void run() {
    for_each_task(args_.B * args_.Hkv * chunks_, [&](int64_t n) {
      one_chunk(n / chunks_ / args_.Hkv, n / chunks_ % args_.Hkv, n % chunks_);
    });
    for (int64_t head = 0; head < args_.B * args_.Hkv; ++head)
      for (int64_t r = 0; r < rows_; ++r) merge(head, r);
  }

 private:
  int64_t head_of(int64_t kv, int64_t row) const { return kv * group_ + row / args_.T; }
  int64_t query_of(int64_t row) const { return row % args_.T; }
  size_t index_of(int64_t head, int64_t chunk, int64_t row) const {
    return static_cast<size_t>((head * chunks_ + chunk) * rows_ + row);
  }

  /// Runs of keys that some of the queries see, whose scores lie one after the other in a row.
  struct Keys {
    std::vector<KeyRange> runs;
    int64_t count = 0;

    /// Calls f(run, its number of keys, its place in a row).
    template <typename F>
    void for_each(F f) const {
      int64_t at = 0;
      for (const KeyRange run : runs) {
        const int64_t size = run.end - run.begin;
        f(run, size, at);
        at += size;
      }
    }
  };

  Keys keys_of(int64_t b, int64_t kv, int64_t chunk) const {
    Keys keys;
    const QueryBlock of{b, kv * group_, 0, args_.T, group_};
    const KeyRange within{chunk * kChunk, std::min((chunk + 1) * kChunk, args_.S)};
    for_each_segment(args_, of, within, [&](KeyRange segment) {
      const KeyRange run = keys_of_any(args_, of, segment);
      if (run.empty()) return;
      keys.runs.push_back(run);
      keys.count += run.end - run.begin;
    });
    return keys;
  }

  void one_chunk(int64_t b, int64_t kv, int64_t chunk) {
    const int64_t head = b * args_.Hkv + kv, Dh = args_.Dh;
    const Keys keys = keys_of(b, kv, chunk);
    const int64_t count = keys.count;
    if (count == 0) return;
    std::vector<float> queries(static_cast<size_t>(rows_ * Dh)),
        scores(static_cast<size_t>(rows_ * count));
    const float factor = args_.score_cap > 0.0F ? args_.scale / args_.score_cap  // for its tanh
                                                : args_.scale * kLog2E;
    for (int64_t r = 0; r < rows_; ++r) {
      const float* const q = args_.q.at(b, head_of(kv, r), query_of(r));
      for (int64_t i = 0; i < Dh; ++i) queries[static_cast<size_t>(r * Dh + i)] = q[i] * factor;
    }
    keys.for_each([&](KeyRange run, int64_t size, int64_t at) {
      decode::multiply_keys(queries.data(), rows_, args_.k.at(b, kv, run.begin), args_.k.step, size,
                            Dh, scores.data() + at, count);
    });
    for (int64_t r = 0; r < rows_; ++r) {
      parts_[index_of(head, chunk, r)] =
          softmax(b, head_of(kv, r), query_of(r), keys, scores.data() + r * count);
    }
    float* const sums = sums_.data() + index_of(head, chunk, 0) * static_cast<size_t>(Dh);
    keys.for_each([&](KeyRange run, int64_t size, int64_t at) {
      decode::add_values(scores.data() + at, count, rows_, args_.v.at(b, kv, run.begin),
                         args_.v.step, size, Dh, sums);
    });
  }

  /// Scores x, of a cap its tanh's arguments, to unnormalised weights 2^(x - row_max).
  PartialSoftmax softmax(int64_t b, int64_t h, int64_t t, const Keys& keys, float* scores) const {
    if (args_.score_cap > 0.0F) decode::cap_scores(scores, keys.count, args_.score_cap * kLog2E);
    keys.for_each([&](KeyRange run, int64_t size, int64_t at) {
      const KeyRange visible = args_.visible_keys(b, h, t, run);
      if (args_.has_bias_or_mask()) args_.add_bias_and_mask(b, h, t, run, kLog2E, scores + at);
      for (int64_t n = 0; n < size; ++n)
        if (run.begin + n < visible.begin || run.begin + n >= visible.end)
          scores[at + n] = -kInfinity;
    });
    const float row_max = blocks::largest(scores, keys.count, -kInfinity);
    if (row_max == -kInfinity) {
      std::fill_n(scores, keys.count, 0.0F);
      return {};
    }
    const PartialSoftmax part{row_max, decode::exponentials(scores, keys.count, row_max)};
    if (args_.dropout > 0.0) {
      keys.for_each([&](KeyRange run, int64_t, int64_t at) {
        args_.apply_dropout(b, h, t, run, scores + at);
      });
    }
    return part;
  }

  void merge(int64_t head, int64_t row) const {
    const int64_t b = head / args_.Hkv, h = head_of(head % args_.Hkv, row), t = query_of(row);
    float row_max = -kInfinity, row_sum = 0;
    for (int64_t chunk = 0; chunk < chunks_; ++chunk)
      row_max = blocks::largest(&parts_[index_of(head, chunk, row)].row_max, 1, row_max);
    float* const y = outputs_.y.at(b, h, t);
    std::fill_n(y, args_.Dh, 0.0F);
    if (row_max == -kInfinity) return;
    for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
      const size_t index = index_of(head, chunk, row);
      const float rescale = std::exp2(parts_[index].row_max - row_max);
      row_sum += parts_[index].row_sum * rescale;
      const float* const part = sums_.data() + index * static_cast<size_t>(args_.Dh);
      for (int64_t i = 0; i < args_.Dh; ++i) y[i] += rescale * part[i];
    }
    for (int64_t i = 0; i < args_.Dh; ++i) y[i] /= row_sum;
    recompute_nan_queries(args_, outputs_, b, h, t, 1);
  }

  const KernelArgs<float>& args_;
  const KernelOutputs<float>& outputs_;
  int64_t group_, rows_, chunks_;      // rows: queries that share a key-value head
  std::vector<PartialSoftmax> parts_;  // [B * Hkv, chunks, rows]
  std::vector<float> sums_;            // [B * Hkv, chunks, rows, Dh]
};

class DecodeKernel final : public PointerKernel {
 public:
  std::string_view name() const override { return "decode"; }
  std::string_view summary() const override {
    return "a few queries against a long cache, which threads divide";
  }
  Abilities abilities() const override { return {.score_cap = true, .segments = true}; }
  using PointerKernel::forward;
  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    if (args.T > decode::kMaxQueries) return flash_kernel().forward(args, outputs);
    Decode(args, outputs).run();
  }
};

}  // namespace

const PointerKernel& decode_kernel() {
  static const DecodeKernel kernel;
  return kernel;
}

}  // namespace zoo
