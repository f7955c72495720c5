// Mixed precision (Micikevicius et al. 2018, arXiv:1710.03740): matrix products in 16 bits, weights
// and sums in 32. Faster on GPUs; on CPUs without 16-bit matrix units it is slower than fp32.
#pragma once
#include <torch/types.h>

#include <string_view>
#include <utility>
#include <vector>

#include "base/named_enum.h"

namespace zoo {

enum class Precision { kFp32, kBf16, kFp16 };
template <>
struct EnumNames<Precision> {
  static constexpr std::string_view what = "precision";
  static constexpr std::pair<Precision, std::string_view> values[] = {
      {Precision::kFp32, "fp32"}, {Precision::kBf16, "bf16"}, {Precision::kFp16, "fp16"}};
};

/// While alive, torch runs matrix products in the given precision (autocast). fp32: does nothing.
class AutocastGuard {
 public:
  AutocastGuard(Precision precision, torch::DeviceType device);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  torch::DeviceType device_;
  bool active_, was_enabled_ = false;
  torch::Dtype was_dtype_ = torch::kFloat;
};

/// Small gradients underflow in fp16. So the loss is multiplied by a scale and the gradients are
/// divided by it; the scale adapts to avoid overflow. LibTorch has the operations but no class for
/// it. Without fp16 the scale is 1.
class LossScaler {
 public:
  LossScaler(bool enabled, torch::Device device);
  torch::Tensor scale_loss(const torch::Tensor& loss) const;
  /// Divides the gradients by the scale; false if they contain infinities: skip this update.
  bool unscale(std::vector<torch::Tensor>& gradients);
  /// Halves the scale after an overflow, doubles it after 2000 updates without one.
  void update();
  /// For checkpoints: [2] scale and updates since it last changed; undefined when not enabled.
  torch::Tensor state() const;
  void restore(const torch::Tensor& state);

 private:
  bool enabled_;
  torch::Tensor scale_, growth_tracker_, found_inf_;
};

}  // namespace zoo
