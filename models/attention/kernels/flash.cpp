// flash: tiles of 64 queries against tiles of keys, with SIMD and threads.
//
// Adds to `online`: a tile's work is two small matrix products (backward: five) whose sums stay in
// registers; keys that causal, window or lengths hide are never touched; heads are read where a
// projection left them. Costs 4 B H T S Dh operations, half of them where causal, and no memory
// that grows with T S but for sums of dk and dv. Backward (Dao et al. 2022, arXiv:2205.14135,
// Algorithm 4) forms the weights again from q, k, and the largest score and the sum of each row,
// which makes it five products where forward has two. A forward pass of a few queries, as in
// generating text, is left to `decode`.
#include <algorithm>
#include <vector>

#include "models/attention/kernels/decode_rows.h"
#include "models/attention/kernels/flash_tiles.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"
#include "models/attention/kernels/seen_rows.h"
#include "models/simd/parallel.h"

namespace zoo {
namespace {

using flash::padded;

/// The sums for the keys and values of one head: [S, padded(Dh)] each.
struct KeySums {
  std::vector<float> dk, dv;

  void clear(const PlainCall<float>& call) {
    const auto size = static_cast<size_t>(call.S * padded(call.Dh));
    dk.assign(size, 0.0F);
    dv.assign(size, 0.0F);
  }
  void add(const KeySums& other) {
    for (size_t i = 0; i < dk.size(); ++i) dk[i] += other.dk[i];
    for (size_t i = 0; i < dv.size(); ++i) dv[i] += other.dv[i];
  }
};

/// Key-value head and everything that reads it, cut into parts that run side by side where there
/// are few heads. How many does not depend on the number of threads, so that sums do not either.
class BackwardWork {
 public:
  BackwardWork(const PlainCall<float>& call, const PlainGradients<float>& gradients)
      : call_(call),
        gradients_(gradients),
        heads_(call.B * call.Hkv),
        units_(flash::tiles_of(call.T) * (call.H / call.Hkv)),
        parts_(std::clamp<int64_t>(kEnough / heads_, 1, units_)) {}

  void run() {
    if (parts_ == 1) {
      for_each_task(heads_, [&](int64_t head) {
        thread_local KeySums sums;
        sums.clear(call_);
        add(head, 0, sums);
        write(head, &sums);
      });
      return;
    }
    std::vector<KeySums> sums(static_cast<size_t>(heads_ * parts_));
    for_each_task(heads_ * parts_, [&](int64_t n) {
      KeySums& mine = sums[static_cast<size_t>(n)];
      mine.clear(call_);
      add(n / parts_, n % parts_, mine);
    });
    for_each_task(heads_,
                  [&](int64_t head) { write(head, &sums[static_cast<size_t>(head * parts_)]); });
  }

 private:
  static constexpr int64_t kEnough = 16;

  // Every parts_-th tile: with causal, later ones have more to do.
  void add(int64_t head, int64_t part, KeySums& sums) const {
    const int64_t b = head / call_.Hkv, group = call_.H / call_.Hkv;
    for (int64_t unit = part; unit < units_; unit += parts_) {
      flash::backward_tile(call_, gradients_, b, head % call_.Hkv * group + unit % group,
                           unit / group, sums.dk.data(), sums.dv.data());
    }
  }

  void write(int64_t head, KeySums* parts) const {
    for (int64_t part = 1; part < parts_; ++part) parts[0].add(parts[part]);
    const int64_t b = head / call_.Hkv, h = head % call_.Hkv, width = padded(call_.Dh);
    for (int64_t s = 0; s < call_.S; ++s) {
      const float* const k_sums = parts[0].dk.data() + s * width;
      const float* const v_sums = parts[0].dv.data() + s * width;
      float* const dk = gradients_.dk.at(b, h, s);
      for (int64_t i = 0; i < call_.Dh; ++i) dk[i] = call_.scale * k_sums[i];
      std::copy_n(v_sums, call_.Dh, gradients_.dv.at(b, h, s));
    }
    mend_head(call_, gradients_, b, h);
  }

  const PlainCall<float>& call_;
  const PlainGradients<float>& gradients_;
  int64_t heads_, units_, parts_;
};

class FlashKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "flash"; }
  std::string_view summary() const override {
    return "tiles in SIMD registers, threads, no score matrix; skips what is hidden";
  }
  Abilities abilities() const override { return {.backward = true}; }
  using PlainKernel::backward;
  using PlainKernel::forward;

  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    // With few queries there is nothing to tile.
    if (call.T <= decode::kMostQueries && result.tops == nullptr)
      return decode_kernel().forward(call, result);
    const int64_t tiles = flash::tiles_of(call.T);
    for_each_task(call.B * call.H * tiles, [&](int64_t n) {
      const int64_t head = n / tiles, tile = tiles - 1 - n % tiles;  // the longest first
      const int64_t b = head / call.H, h = head % call.H, first = tile * flash::kQueries;
      flash::forward_tile(call, result, b, h, tile);
      mend_queries(call, result, b, h, first, std::min(flash::kQueries, call.T - first));
    });
  }
  void backward(const PlainCall<float>& call,
                const PlainGradients<float>& gradients) const override {
    BackwardWork(call, gradients).run();
  }
};

}  // namespace

const PlainKernel& flash_kernel() {
  static const FlashKernel kernel;
  return kernel;
}

}  // namespace zoo
