#include "train/loop/precision.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>

namespace zoo {

AutocastGuard::AutocastGuard(Precision precision, torch::DeviceType device)
    : device_(device), active_(precision != Precision::kFp32) {
  if (!active_) return;
  was_enabled_ = at::autocast::is_autocast_enabled(device_);
  was_dtype_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_,
                                   precision == Precision::kBf16 ? torch::kBFloat16 : torch::kHalf);
}

AutocastGuard::~AutocastGuard() {
  if (!active_) return;
  at::autocast::clear_cache();  // casts of weights that the next update changes
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, was_dtype_);
}

LossScaler::LossScaler(bool enabled, torch::Device device) : enabled_(enabled) {
  if (!enabled_) return;
  const auto options = torch::dtype(torch::kFloat).device(device);
  scale_ = torch::full({1}, 65536.0, options);
  growth_tracker_ = torch::zeros({1}, options.dtype(torch::kInt));
  found_inf_ = torch::zeros({1}, options);
}

torch::Tensor LossScaler::scale_loss(const torch::Tensor& loss) const {
  return enabled_ ? loss * scale_.squeeze() : loss;
}

bool LossScaler::unscale(std::vector<torch::Tensor>& gradients) {
  if (!enabled_) return true;
  found_inf_.zero_();
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_inf_, scale_.reciprocal());
  return found_inf_.item<float>() == 0.0F;
}

void LossScaler::update() {
  if (!enabled_) return;
  constexpr double kGrow = 2.0, kShrink = 0.5;
  constexpr int64_t kGrowAfter = 2000;
  at::_amp_update_scale_(scale_, growth_tracker_, found_inf_, kGrow, kShrink, kGrowAfter);
}

torch::Tensor LossScaler::state() const {
  if (!enabled_) return {};
  return torch::cat({scale_.cpu(), growth_tracker_.cpu().to(torch::kFloat)});  // [2]
}

void LossScaler::restore(const torch::Tensor& state) {
  if (!enabled_ || !state.defined()) return;
  scale_.fill_(state[0].item<float>());
  growth_tracker_.fill_(static_cast<int64_t>(state[1].item<float>()));
}

}  // namespace zoo
