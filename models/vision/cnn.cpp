// Convolutions with shortcuts: blocks, stages, first weights.
#include "models/vision/cnn.h"

#include <c10/util/Exception.h>
#include <torch/nn/init.h>

#include <numeric>

#include "models/cost/vision_cost.h"
#include "models/vision/image_classifier_options.h"

namespace zoo {
namespace {

torch::nn::Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false));
}
/// Up to 8 groups; as many as divide the channels.
torch::nn::GroupNorm group_norm(int64_t channels) {
  return torch::nn::GroupNorm(
      torch::nn::GroupNormOptions(std::gcd(int64_t{8}, channels), channels));
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(int64_t in, int64_t out, int64_t stride) {
  conv1 = register_module("conv1", conv3x3(in, out, stride));
  norm1 = register_module("norm1", group_norm(out));
  conv2 = register_module("conv2", conv3x3(out, out));
  norm2 = register_module("norm2", group_norm(out));
  if (in == out && stride == 1) return;
  const auto options = torch::nn::Conv2dOptions(in, out, 1).stride(stride).bias(false);
  shortcut = register_module("shortcut", torch::nn::Conv2d(options));
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x) {
  const auto h = torch::relu(norm1(conv1(x)));  // [B, out, H / stride, W / stride]
  return torch::relu(norm2(conv2(h)) + (shortcut ? shortcut(x) : x));  // Eq. 1, Eq. 2
}

CnnImpl::CnnImpl(const CnnOptions& options_) : options(options_) {
  auto& o = options;
  if (o.image_width == 0) o.image_width = o.image_size;
  TORCH_CHECK(o.blocks > 0 && o.width > 0 && o.channels > 0 && o.classes >= 0,
              "Cnn: blocks, width and channels must be positive, got ", o.blocks, ", ", o.width,
              " and ", o.channels);
  stem = register_module("stem", conv3x3(o.channels, o.width));
  stem_norm = register_module("stem_norm", group_norm(o.width));
  blocks = register_module("blocks", torch::nn::ModuleList());
  int64_t in = o.width;
  for (int64_t stage = 0; stage < 3; ++stage) {
    const int64_t out = o.width << stage;
    for (int64_t n = 0; n < o.blocks; ++n) {
      blocks->push_back(ResidualBlock(in, out, stage > 0 && n == 0 ? 2 : 1));
      in = out;
    }
  }
  if (o.classes > 0) head = register_module("head", torch::nn::Linear(in, o.classes));
  // He et al. 2015 (arXiv:1502.01852), §2.2: a deviation that keeps what passes a ReLU as large.
  const torch::NoGradGuard no_grad;
  for (auto& parameter : named_parameters()) {
    if (parameter.value().dim() == 4)
      torch::nn::init::kaiming_normal_(parameter.value(), 0, torch::kFanOut, torch::kReLU);
    if (parameter.key() == "head.weight") parameter.value().normal_(0.0, 0.01);
    if (parameter.key() == "head.bias") parameter.value().zero_();
  }
}

torch::Tensor CnnImpl::forward(const torch::Tensor& pixels) {
  TORCH_CHECK(head, "Cnn: this model gives features alone; set options.classes");
  return head(features(pixels));  // [B, K]
}

torch::Tensor CnnImpl::features(const torch::Tensor& pixels) {
  require_image("Cnn", *this, pixels);
  auto h = torch::relu(stem_norm(stem(pixels)));  // [B, width, H, W]
  for (const auto& block : *blocks) h = block->as<ResidualBlockImpl>()->forward(h);
  return h.mean({2, 3});  // [B, 4 width]
}

void check(const CnnOptions& o) {
  check_images(o);
  require_at_least("blocks", o.blocks, 1);
  require_at_least("width", o.width, 1);
  require_model_memory(cost_of(o));
}

CnnOptions CnnOptions::resnet8() { return {}; }
CnnOptions CnnOptions::resnet20() { return {.image_size = 32, .channels = 3, .blocks = 3}; }
CnnOptions CnnOptions::resnet56() { return {.image_size = 32, .channels = 3, .blocks = 9}; }

CnnOptions CnnOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, CnnOptions (*)()> presets[] = {
      {"resnet8", &CnnOptions::resnet8},
      {"resnet20", &CnnOptions::resnet20},
      {"resnet56", &CnnOptions::resnet56}};
  return find_preset(presets, name);
}

}  // namespace zoo
