// Convolutional tokens, blocks, sequence pooling.
#include "models/vision/cct.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/nn/init.h>

#include <cmath>
#include <stdexcept>

#include "models/layers/drop_path.h"
#include "models/layers/stack.h"
#include "models/model_memory.h"
#include "models/vision/image_classifier_options.h"

namespace zoo {
namespace {

BlockOptions block_options(const CctOptions& o, int64_t layer) {
  return {.attention = {.d_model = o.d_model,
                        .heads = o.heads,
                        .bias = false,
                        .dropout = o.attention_dropout,
                        .kernel = o.attention},
          .feed_forward = {.d_model = o.d_model, .width = o.feed_forward},
          .norm = {.epsilon = o.norm_epsilon},
          .residual_dropout = o.dropout,
          .drop_path = drop_path_of_layer(o.drop_path, layer, o.layers)};
}

/// How many places of a side are left: a convolution keeps them, a pooling by 2 rounds up.
int64_t side_after(int64_t side, int64_t convolutions) {
  for (int64_t n = 0; n < convolutions && side > 1; ++n) side = (side + 1) / 2;
  return side;
}

}  // namespace

CctOptions CctOptions::cct_2_3x2() {
  CctOptions o;
  o.image_size = 32;
  o.channels = 3;
  return o;
}

CctOptions CctOptions::cct_7_3x1() {
  CctOptions o = cct_2_3x2();
  o.convolutions = 1;
  o.layers = 7;
  o.d_model = 256;
  o.heads = 4;
  o.feed_forward = 512;
  return o;
}

CctOptions CctOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, CctOptions (*)()> presets[] = {
      {"cct-2-3x2", &CctOptions::cct_2_3x2}, {"cct-7-3x1", &CctOptions::cct_7_3x1}};
  return find_preset(presets, name);
}

void check(const CctOptions& o) {
  check_images(o);
  for (const auto& [option, value] :
       {std::pair("convolutions", o.convolutions), std::pair("layers", o.layers),
        std::pair("d-model", o.d_model), std::pair("heads", o.heads)}) {
    require_option(value >= 1, option, value, "1 or more");
  }
  require_option(o.kernel >= 1 && o.kernel % 2 == 1, "kernel", o.kernel, "odd");
  require_option(o.feed_forward >= 0, "feed-forward", o.feed_forward, "0 or more");
  if (o.d_model % o.heads != 0) {
    throw std::invalid_argument(
        fmt::format("--d-model must be a multiple of --heads, got {} and {}", o.d_model, o.heads));
  }
  if (o.position == GridPositionKind::kRotary2d) {
    require_option(o.d_model / o.heads >= 4, "heads", o.heads,
                   "such that heads are at least 4 wide, for rotary positions");
  }
  for (const auto& [option, value] :
       {std::pair("dropout", o.dropout), std::pair("attention-dropout", o.attention_dropout),
        std::pair("drop-path", o.drop_path)}) {
    require_option(value >= 0.0 && value < 1.0, option, value, "in [0, 1)");
  }
  for (const auto& [option, value] :
       {std::pair("norm-epsilon", o.norm_epsilon), std::pair("init-std", o.init_std)}) {
    require_option(std::isfinite(value) && value >= 0.0, option, value, "0 or more");
  }
  require_model_memory({.layers = static_cast<double>(o.layers),
                        .d_model = static_cast<double>(o.d_model),
                        .feed_forward = static_cast<double>(o.feed_forward)});
}

CctOptions resolved(CctOptions o) {
  if (o.image_width == 0) o.image_width = o.image_size;
  if (o.feed_forward == 0) o.feed_forward = o.d_model;
  return o;
}

Grid grid_of(const CctOptions& options) {
  const CctOptions o = resolved(options);
  return {side_after(o.image_size, o.convolutions), side_after(o.image_width, o.convolutions)};
}

CctImpl::CctImpl(const CctOptions& options_) : options(resolved(options_)) {
  const auto& o = options;
  TORCH_CHECK(o.convolutions > 0 && o.layers > 0 && o.classes > 0 && o.kernel % 2 == 1,
              "Cct: convolutions, layers and classes must be positive and the kernel odd, got ",
              o.convolutions, ", ", o.layers, ", ", o.classes, " and ", o.kernel);
  convolutions = register_module("convolutions", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.convolutions; ++n) {
    const int64_t in = n == 0 ? o.channels : kCctInnerChannels;
    const int64_t out = n + 1 == o.convolutions ? o.d_model : kCctInnerChannels;
    convolutions->push_back(torch::nn::Conv2d(
        torch::nn::Conv2dOptions(in, out, o.kernel).padding(o.kernel / 2).bias(false)));
  }
  position = register_module(
      "position", make_grid_position(o.position, grid_of(o), 0, o.d_model, o.d_model / o.heads));
  embedding_dropout = register_module("embedding_dropout", torch::nn::Dropout(o.dropout));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.layers; ++n) blocks->push_back(Block(block_options(o, n)));
  final_norm =
      register_module("final_norm", Norm(o.d_model, NormOptions{.epsilon = o.norm_epsilon}));
  pooling = register_module("pooling", torch::nn::Linear(o.d_model, 1));
  head = register_module("head", torch::nn::Linear(o.d_model, o.classes));
  initialise();
}

torch::Tensor CctImpl::forward(const torch::Tensor& pixels) {
  return head(pool(hidden(pixels)));  // [B, K]
}

torch::Tensor CctImpl::embed(const torch::Tensor& pixels) {
  require_image("Cct", *this, pixels);
  auto h = pixels;
  for (const auto& convolution : *convolutions) {
    h = torch::relu(convolution->as<torch::nn::Conv2dImpl>()->forward(h));
    h = torch::max_pool2d(h, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);  // halves H and W
  }
  h = h.flatten(2).transpose(1, 2);  // [B, C, rows, columns] -> [B, T, C]
  return embedding_dropout(position->embed(h, token_positions(h)));
}

torch::Tensor CctImpl::hidden(const torch::Tensor& pixels, Trace* trace) {
  const auto h = embed(pixels);  // [B, T, C]
  Norm none{nullptr};            // hidden states are those before the last norm, as a ViT's
  return final_norm(run_stack(
      blocks, none, h,
      {.layer = {.position = position.get(), .positions = token_positions(h)}, .trace = trace}));
}

torch::Tensor CctImpl::pool(const torch::Tensor& hidden) {
  const auto weights = pooling(hidden).softmax(1);                   // [B, T, 1]
  return torch::matmul(weights.transpose(1, 2), hidden).squeeze(1);  // [B, C]
}

void CctImpl::initialise() {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : named_parameters()) {
    torch::Tensor& value = parameter.value();
    if (value.dim() == 4) {
      torch::nn::init::kaiming_normal_(value);
    } else if (value.dim() == 2) {
      value.normal_(0.0, options.init_std);
    } else if (parameter.key().ends_with(".bias")) {
      value.zero_();  // norms keep the ones they were made with
    }
  }
}

}  // namespace zoo
