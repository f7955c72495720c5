#include "infer/vision/attention_rollout.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "models/images/resize.h"

namespace zoo {

torch::Tensor attention_rollout(const std::vector<torch::Tensor>& layers) {
  TORCH_CHECK(!layers.empty(), "attention_rollout: needs the weights of one layer or more");
  torch::Tensor rollout;
  for (const auto& weights : layers) {
    const auto mean = weights.to(torch::kDouble).mean(0);                            // [T, T]
    const auto mixed = 0.5 * mean + 0.5 * torch::eye(mean.size(0), mean.options());  // residual
    const auto shares = mixed / mixed.sum(-1, /*keepdim=*/true);
    rollout = rollout.defined() ? shares.matmul(rollout) : shares;  // §3: layer l times all below
  }
  return rollout;
}

Image draw_rollout(const Image& seen, const torch::Tensor& shares) {
  constexpr int kShownSide = 224;
  const int scale = std::max(1, kShownSide / std::max(seen.width, seen.height));
  Image picture = resize(seen, seen.width * scale, seen.height * scale, Resample::kNearest);
  const auto scaled = shares.to(torch::kDouble) / shares.max().clamp_min(1e-12);
  const auto bytes = (scaled * 255.0).round().to(torch::kByte).cpu().contiguous();
  const auto light = resize({bytes.data_ptr<uint8_t>(), static_cast<size_t>(bytes.numel())},
                            static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)), 1,
                            picture.width, picture.height, Resample::kBicubic);
  constexpr double kDark = 0.15;  // what no share came from can still be made out
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    const double factor = kDark + (1.0 - kDark) * light[i / 3] / 255.0;
    picture.rgb[i] = static_cast<uint8_t>(std::lround(factor * picture.rgb[i]));
  }
  const std::array<Image, 2> both = {
      resize(seen, picture.width, picture.height, Resample::kNearest), picture};
  return contact_sheet(both, 2);
}

}  // namespace zoo
