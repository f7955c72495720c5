// Classifiers of images by their parts: patches or convolutions, blocks, heads.
#include "models/cost/vision_cost.h"

namespace zoo {
namespace {

double width_or(int64_t width, int64_t height) { return double(width == 0 ? height : width); }
double halved(double side) { return double((int64_t(side) + 1) / 2); }

ModelCost grid_cost(GridPositionKind kind, double rows, double columns, double prefix, double C) {
  if (kind == GridPositionKind::kLearned) return table_cost(prefix + rows * columns, C);
  if (kind == GridPositionKind::kLearned2d) return table_cost(rows + columns, C);
  return {};
}

/// An encoder of T tokens, which keeps no cache, with the norm behind it.
ModelCost stack_cost(const StackOptions& o, double T) {
  ModelCost cost = blocks_cost(o, T);
  cost.cache_values_per_token = cost.cache_values = 0;
  if (o.norm_place != NormPlace::kPost) cost += norm_cost(double(o.d_model), norm_options(o));
  return cost;
}

/// Group norm scales and shifts each channel.
ModelCost group_norm_cost(double channels) { return norm_cost(channels, {}); }

ModelCost head_cost(double C, double classes) {
  return classes > 0 ? linear_cost(1, C, classes, /*bias=*/true) : ModelCost{};
}

}  // namespace

ModelCost cost_of(const VitOptions& options) {
  const VitOptions o = resolved(options);
  const auto C = double(o.d_model), prefix = double(prefix_tokens(o));
  const Grid grid = grid_of(o);
  const double patches = double(grid.rows) * double(grid.columns), T = prefix + patches;
  const double pixels = double(o.channels) * double(o.patch_size) * double(o.patch_width);
  ModelCost cost = linear_cost(patches, pixels, C, o.patch_bias);
  cost += table_cost(prefix + (o.mask_token ? 1 : 0), C) +
          grid_cost(o.position, double(grid.rows), double(grid.columns), prefix, C);
  if (o.embedding_norm) cost += norm_cost(C, norm_options(o));
  cost += stack_cost(o, T);
  if (o.pooling == VitPooling::kAttention) {
    const auto pooling = pooling_options(o);
    cost += attention_cost(pooling.attention, 1, T) + norm_cost(C, pooling.norm) +
            feed_forward_cost(pooling.feed_forward, 1);
    cost.parameters += C;  // the query
  }
  if (o.pooler) cost += linear_cost(1, C, C, /*bias=*/true);
  const double heads = o.distillation == Distillation::kHead ? 2 : 1;
  return cost + heads * head_cost(double(pooled_width(o)), double(o.classes));
}

ModelCost cost_of(const CctOptions& options) {
  const CctOptions o = resolved(options);
  const auto C = double(o.d_model);
  ModelCost cost;
  double height = double(o.image_size), width = double(o.image_width);
  for (int64_t n = 0; n < o.convolutions; ++n) {
    const int64_t in = n == 0 ? o.channels : kCctInnerChannels;
    const int64_t out = n + 1 == o.convolutions ? o.d_model : kCctInnerChannels;
    cost += convolution_cost(height * width, double(o.kernel) * double(o.kernel), double(in),
                             double(out));
    height = halved(height);
    width = halved(width);
  }
  const double T = height * width;
  cost += grid_cost(o.position, height, width, 0, C);
  cost += stack_cost(o, T);
  cost += linear_cost(T, C, 1, /*bias=*/true);  // weights of the tokens, and their weighted sum
  cost.forward_flops += 2 * T * C;
  return cost + head_cost(C, double(o.classes));
}

ModelCost cost_of(const CnnOptions& o) {
  double height = double(o.image_size), width = width_or(o.image_width, o.image_size);
  const auto conv3x3 = [&](double in, double out) {
    return convolution_cost(height * width, 9, in, out) + group_norm_cost(out);
  };
  auto in = double(o.width);
  ModelCost cost = conv3x3(double(o.channels), in);
  for (const double out : {in, 2 * in, 4 * in}) {
    if (out > double(o.width)) {
      height = halved(height);
      width = halved(width);
      cost += convolution_cost(height * width, 1, in, out);  // the shortcut
    }
    cost += conv3x3(in, out) + conv3x3(out, out) + 2 * double(o.blocks - 1) * conv3x3(out, out);
    cost.layers += double(o.blocks);
    in = out;
  }
  return cost + head_cost(in, double(o.classes));
}

ModelCost cost_of(const LinearClassifierOptions& o) {
  const double pixels =
      double(o.channels) * double(o.image_size) * width_or(o.image_width, o.image_size);
  return head_cost(pixels, double(o.classes));
}

}  // namespace zoo
