// flash: tiles of 64 queries against tiles of keys, with SIMD and threads.
//
// Adds to `online`: a tile's work is two small matrix products (backward: five) whose sums stay in
// registers; keys that causal, window or lengths hide are skipped; strided heads are read in place.
// Costs 4 B H T S Dh operations, half of them where causal, and no memory that grows with T S.
// Backward (Dao et al. 2022, arXiv:2205.14135, Algorithm 4) recomputes the weights from q, k, and
// the maximum and the sum of each row: five products where forward has two. `decode` computes the
// forward pass of a few queries, as in generating text.
#include <algorithm>
#include <vector>

#include "models/attention/kernels/decode_rows.h"
#include "models/attention/kernels/flash_tiles.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"
#include "models/attention/kernels/visible_rows.h"
#include "models/simd/parallel.h"

namespace zoo {
namespace {

using flash::padded;

/// Gradient sums of one key-value head: of its keys and values, [S, padded(Dh)] each, and of the
/// relative_bias of the heads that read it, [H / Hkv, T + S - 1], or empty.
struct KeySums {
  std::vector<float> dk, dv, drelative;

  void clear(const KernelArgs<float>& args, bool with_relative) {
    const auto size = static_cast<size_t>(args.S * padded(args.Dh));
    dk.assign(size, 0.0F);
    dv.assign(size, 0.0F);
    drelative.assign(
        with_relative ? static_cast<size_t>(args.H / args.Hkv * (args.T + args.S - 1)) : 0, 0.0F);
  }
  void add(const KeySums& other) {
    for (const auto sums : {&KeySums::dk, &KeySums::dv, &KeySums::drelative})
      for (size_t i = 0; i < (this->*sums).size(); ++i) (this->*sums)[i] += (other.*sums)[i];
  }
};

/// A task is a key-value head with all queries that read it. Where heads are few, each is divided
/// into several parts. Their number does not depend on the number of threads, and so the sums do
/// not either.
class BackwardTasks {
 public:
  BackwardTasks(const KernelArgs<float>& args, const KernelGradients<float>& gradients)
      : args_(args),
        gradients_(gradients),
        heads_(args.B * args.Hkv),
        units_(flash::tiles_of(args.T) * (args.H / args.Hkv)),
        parts_(std::clamp<int64_t>(kEnoughTasks / heads_, 1, units_)) {}

  void run() {
    if (parts_ == 1) {
      for_each_task(heads_, [&](int64_t head) {
        thread_local KeySums sums;
        sums.clear(args_, wants_relative());
        add(head, 0, sums);
        write(head, &sums);
      });
      return;
    }
    std::vector<KeySums> sums(static_cast<size_t>(heads_ * parts_));
    for_each_task(heads_ * parts_, [&](int64_t n) {
      KeySums& mine = sums[static_cast<size_t>(n)];
      mine.clear(args_, wants_relative());
      add(n / parts_, n % parts_, mine);
    });
    for_each_task(heads_,
                  [&](int64_t head) { write(head, &sums[static_cast<size_t>(head * parts_)]); });
  }

 private:
  static constexpr int64_t kEnoughTasks = 16;

  bool wants_relative() const { return gradients_.drelative_bias != nullptr; }

  // Every parts_-th tile: with causal, later tiles have more to do.
  void add(int64_t head, int64_t part, KeySums& sums) const {
    const int64_t b = head / args_.Hkv, group = args_.H / args_.Hkv;
    for (int64_t unit = part; unit < units_; unit += parts_) {
      const int64_t member = unit % group, h = head % args_.Hkv * group + member;
      float* const drelative =
          wants_relative() ? sums.drelative.data() + member * (args_.T + args_.S - 1) : nullptr;
      flash::backward_tile(args_, gradients_, b, h, unit / group,
                           {sums.dk.data(), sums.dv.data(), drelative});
    }
  }

  void write(int64_t head, KeySums* parts) const {
    for (int64_t part = 1; part < parts_; ++part) parts[0].add(parts[part]);
    const int64_t b = head / args_.Hkv, h = head % args_.Hkv, width = padded(args_.Dh);
    for (int64_t s = 0; s < args_.S; ++s) {
      const float* const k_sums = parts[0].dk.data() + s * width;
      const float* const v_sums = parts[0].dv.data() + s * width;
      float* const dk = gradients_.dk.at(b, h, s);
      for (int64_t i = 0; i < args_.Dh; ++i) dk[i] = args_.scale * k_sums[i];
      std::copy_n(v_sums, args_.Dh, gradients_.dv.at(b, h, s));
    }
    if (wants_relative()) {
      const auto& sums = parts[0].drelative;
      std::copy(sums.begin(), sums.end(),
                gradients_.drelative_bias + head * static_cast<int64_t>(sums.size()));
    }
    recompute_nan_head(args_, gradients_, b, h);
  }

  const KernelArgs<float>& args_;
  const KernelGradients<float>& gradients_;
  int64_t heads_, units_, parts_;
};

class FlashKernel final : public PointerKernel {
 public:
  std::string_view name() const override { return "flash"; }
  std::string_view summary() const override {
    return "tiles in SIMD registers, threads, no score matrix; skips hidden keys";
  }
  Abilities abilities() const override {
    return {.backward = true, .relative_bias_backward = true, .score_cap = true, .segments = true};
  }
  using PointerKernel::backward;
  using PointerKernel::forward;

  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    // Too few queries to fill a tile.
    if (args.T <= decode::kMaxQueries && outputs.row_max == nullptr)
      return decode_kernel().forward(args, outputs);
    const int64_t tiles = flash::tiles_of(args.T);
    for_each_task(args.B * args.H * tiles, [&](int64_t n) {
      const int64_t head = n / tiles, tile = tiles - 1 - n % tiles;  // the longest first
      const int64_t b = head / args.H, h = head % args.H, first = tile * flash::kQueries;
      flash::forward_tile(args, outputs, b, h, tile);
      recompute_nan_queries(args, outputs, b, h, first, std::min(flash::kQueries, args.T - first));
    });
  }
  void backward(const KernelArgs<float>& args,
                const KernelGradients<float>& gradients) const override {
    BackwardTasks(args, gradients).run();
  }
};

}  // namespace

const PointerKernel& flash_kernel() {
  static const FlashKernel kernel;
  return kernel;
}

}  // namespace zoo
