// Convolutional tokens, blocks, sequence pooling.
#include "models/vision/cct.h"

#include <c10/util/Exception.h>
#include <torch/nn/init.h>

#include "models/cost/vision_cost.h"
#include "models/layers/stack.h"
#include "models/vision/image_classifier_options.h"

namespace zoo {

CctImpl::CctImpl(const CctOptions& options_) : options(resolved(checked(options_))) {
  const auto& o = options;
  convolutions = register_module("convolutions", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.convolutions; ++n) {
    const int64_t in = n == 0 ? o.channels : kCctInnerChannels;
    const int64_t out = n + 1 == o.convolutions ? o.d_model : kCctInnerChannels;
    convolutions->push_back(torch::nn::Conv2d(
        torch::nn::Conv2dOptions(in, out, o.kernel).padding(o.kernel / 2).bias(false)));
  }
  position = register_module(
      "position", make_grid_position(o.position, grid_of(o), 0, o.d_model, rotated_width(o)));
  embedding_dropout = register_module("embedding_dropout", Dropout(o.dropout));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.layers; ++n) blocks->push_back(Block(block_options(o, n)));
  if (o.norm_place != NormPlace::kPost)
    final_norm = register_module("final_norm", Norm(o.d_model, norm_options(o)));
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
  return run_stack(blocks, final_norm, h,
                   {.layer = {.position = position.get(), .positions = token_positions(h)},
                    .trace = trace,
                    .trace_before_norm = true});  // as a ViT's
}

torch::Tensor CctImpl::pool(const torch::Tensor& hidden) {
  const auto weights = pooling(hidden).softmax(1);                   // [B, T, 1]
  return torch::matmul(weights.transpose(1, 2), hidden).squeeze(1);  // [B, C]
}

void CctImpl::initialise() {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : named_parameters()) {
    if (keeps_first_value(parameter.key())) continue;
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

namespace {

/// The length of a side of the image afterwards: a convolution keeps it, a pooling halves it,
/// rounding up.
int64_t side_after(int64_t side, int64_t convolutions) {
  for (int64_t n = 0; n < convolutions && side > 1; ++n) side = (side + 1) / 2;
  return side;
}

}  // namespace

Grid grid_of(const CctOptions& options) {
  const CctOptions o = resolved(options);
  return {side_after(o.image_size, o.convolutions), side_after(o.image_width, o.convolutions)};
}

CctOptions resolved(CctOptions o) {
  if (o.image_width == 0) o.image_width = o.image_size;
  if (o.feed_forward == 0) o.feed_forward = o.d_model;
  o.residual_dropout = o.dropout;
  o.positions =
      side_after(o.image_size, o.convolutions) * side_after(o.image_width, o.convolutions);
  resolve(o);
  return o;
}

void check(const CctOptions& o) {
  check_images(o);
  check(static_cast<const StackOptions&>(o));
  require_at_least("convolutions", o.convolutions, 1);
  require_option(o.kernel >= 1 && o.kernel % 2 == 1, "kernel", o.kernel, "odd");
  if (o.position == GridPositionKind::kRotary2d) {
    require_option(rotated_width(resolved(o)) >= 4, "heads", o.heads,
                   "such that heads are at least 4 wide, for rotary positions");
  }
  check_mixing(resolved(o), place_of(o.position));
  require_probability("dropout", o.dropout);
  require_model_memory(cost_of(o));
}

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

}  // namespace zoo
