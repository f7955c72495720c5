// Counts what torch really computes: the operations of matrix products and convolutions that run on
// this thread while a counter lives.
#pragma once
#include <ATen/record_function.h>
#include <torch/types.h>

#include <memory>
#include <string_view>

namespace zoo::testing {

class FlopCounter {
 public:
  FlopCounter() {
    flops_ = 0.0;
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&FlopCounter::count)
                                             .needsInputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
  }
  ~FlopCounter() { at::removeCallback(handle_); }
  FlopCounter(const FlopCounter&) = delete;
  FlopCounter& operator=(const FlopCounter&) = delete;
  double flops() const { return flops_; }

 private:
  static std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& function) {
    const std::string_view name = function.name();
    const auto inputs = function.inputs();
    const auto shape = [&](size_t i) { return inputs[i].toTensor().sizes(); };
    if (name == "aten::mm") add(shape(0), shape(1));
    if (name == "aten::bmm") add(shape(0), shape(1));
    if (name == "aten::addmm" || name == "aten::baddbmm") add(shape(1), shape(2));
    if (name == "aten::convolution") {
      const auto stride = inputs[3].toIntVector(), padding = inputs[4].toIntVector();
      const auto in = shape(0), weight = shape(1);  // [B, in, H, W], [out, in, h, w]
      double places = static_cast<double>(in[0]);
      for (size_t side = 0; side < 2; ++side) {
        places *= static_cast<double>(
            (in[side + 2] + 2 * padding[side] - weight[side + 2]) / stride[side] + 1);
      }
      flops_ += 2.0 * places * static_cast<double>(inputs[1].toTensor().numel());
    }
    return nullptr;
  }
  /// [..., m, k] times [..., k, n]
  static void add(at::IntArrayRef a, at::IntArrayRef b) {
    double product = 2.0 * static_cast<double>(b.back());
    for (const int64_t size : a) product *= static_cast<double>(size);
    flops_ += product;
  }

  inline static thread_local double flops_ = 0.0;
  at::CallbackHandle handle_ = 0;
};

}  // namespace zoo::testing
