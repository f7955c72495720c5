// In floating point: sizes that a damaged config.json names would overflow whole numbers.
#include "models/forward_flops.h"

#include "models/gpt/gpt_size.h"

namespace zoo {
namespace {

/// A product of [rows, in] and [in, out].
double product(double rows, double in, double out) { return 2.0 * rows * in * out; }

/// Scores and weighted sums of T queries on S keys, all heads together C wide: 4 T S C.
double attention(double T, double S, double C) { return 2.0 * product(T, C, S); }

double feed_forward(double T, double C, double F, Activation activation) {
  const double in = activation == Activation::kSwiglu ? 2.0 * F : F;  // gate and values
  return product(T, C, in) + product(T, F, C);
}

/// Self-attention of T tokens: queries, keys, values and output.
double self_attention(double T, double C) { return product(T, C, 4.0 * C) + attention(T, T, C); }

double conv(double side, double other_side, double kernel, double in, double out) {
  return product(side * other_side, kernel * kernel * in, out);
}

int64_t half(int64_t side) { return (side + 1) / 2; }

}  // namespace

double forward_flops(const BertOptions& options, int64_t length) {
  const BertOptions o = resolved(options);
  const auto T = double(length), C = double(o.d_model), F = double(o.feed_forward);
  double flops = double(o.layers) * (self_attention(T, C) + feed_forward(T, C, F, o.activation));
  if (o.embedding_width > 0) flops += product(T, double(o.embedding_width), C);
  return flops + (o.pooler ? product(1, C, C) : 0.0);
}

double forward_flops(const TransformerOptions& options, int64_t length) {
  const TransformerOptions o = resolved(options);
  const auto T = double(length), C = double(o.d_model);
  const double encoder =
      self_attention(T, C) + feed_forward(T, C, double(o.feed_forward), o.activation);
  const double cross = product(T, C, 4.0 * C) + attention(T, T, C);
  const double decoder = self_attention(T, C) + cross +
                         feed_forward(T, C, double(o.decoder_feed_forward), o.activation);
  return double(o.encoder_layers) * encoder + double(o.decoder_layers) * decoder +
         product(T, C, double(o.vocab_size));
}

double forward_flops(const RecurrentOptions& o, int64_t length) {
  const auto T = double(length), C = double(o.d_model), L = double(o.layers);
  // Four gates read the input and the state: in the encoder two directions of C / 2.
  const double encoder = L * product(T, C + C / 2.0, 4.0 * C);
  const double first_state = product(1, C, 2.0 * L * C);
  const double decoder = product(T, 2.0 * C + C, 4.0 * C) + (L - 1) * product(T, 2.0 * C, 4.0 * C);
  // Keys once; at every step a query, a score for each key, their weighted sum.
  const double attends = product(T, C, C) + product(T, C, C) + attention(T, T, C);
  return encoder + first_state + decoder + attends + product(T, 3.0 * C, C) +
         product(T, C, double(o.vocab_size));
}

double forward_flops(const VitOptions& options) {
  const VitOptions o = resolved(options);
  const Grid grid = grid_of(o);
  const auto patches = double(grid.rows) * double(grid.columns), C = double(o.d_model);
  const double T = patches + double(prefix_tokens(o));
  const double pixels = double(o.channels) * double(o.patch_size) * double(o.patch_width);
  const double layer =
      self_attention(T, C) + feed_forward(T, C, double(o.feed_forward), o.activation);
  const double heads = o.distillation == Distillation::kHead ? 2 : 1;
  return product(patches, pixels, C) + double(o.layers) * layer +
         heads * product(1, C, double(o.classes)) +
         (o.pooler && o.classes == 0 ? product(1, C, C) : 0.0);
}

double forward_flops(const CctOptions& options) {
  const CctOptions o = resolved(options);
  const auto C = double(o.d_model);
  double flops = 0.0;
  int64_t height = o.image_size, width = o.image_width;
  for (int64_t n = 0; n < o.convolutions; ++n) {
    const int64_t in = n == 0 ? o.channels : kCctInnerChannels;
    const int64_t out = n + 1 == o.convolutions ? o.d_model : kCctInnerChannels;
    flops += conv(double(height), double(width), double(o.kernel), double(in), double(out));
    height = half(height);
    width = half(width);
  }
  const double T = double(height) * double(width);
  const double layer =
      self_attention(T, C) + feed_forward(T, C, double(o.feed_forward), Activation::kGelu);
  return flops + double(o.layers) * layer + 2.0 * product(T, C, 1) +
         product(1, C, double(o.classes));
}

double forward_flops(const CnnOptions& o) {
  int64_t height = o.image_size, width = o.image_width == 0 ? o.image_size : o.image_width;
  double flops = conv(double(height), double(width), 3, double(o.channels), double(o.width));
  auto in = double(o.width);
  for (int64_t stage = 0; stage < 3; ++stage) {
    const auto out = double(o.width << stage);
    if (stage > 0) {
      height = half(height);
      width = half(width);
      flops += conv(double(height), double(width), 1, in, out);  // the shortcut
    }
    const double inner = conv(double(height), double(width), 3, out, out);
    flops += conv(double(height), double(width), 3, in, out) + inner;
    flops += double(o.blocks - 1) * 2.0 * inner;
    in = out;
  }
  return flops + product(1, in, double(o.classes));
}

double forward_flops(const LinearClassifierOptions& o) {
  const int64_t width = o.image_width == 0 ? o.image_size : o.image_width;
  return product(1, double(o.channels) * double(o.image_size) * double(width), double(o.classes));
}

double forward_flops(const ClipOptions& options, int64_t length) {
  const ClipOptions o = resolved(options);
  double flops = 0.0;
  if (o.towers != ClipTowers::kText) {
    const bool vit = o.image_tower == ImageTower::kVit;
    const CnnOptions cnn = cnn_options(o);
    flops += vit ? forward_flops(o.image) : forward_flops(cnn);
    flops += product(1, double(vit ? o.image.d_model : 4 * cnn.width), double(o.projection));
  }
  if (o.towers != ClipTowers::kImage) {
    const auto C = double(o.text.d_model), V = double(o.text.vocab_size);
    flops += double(length) * (gpt_size(o.text, length).forward_flops_per_token - 2.0 * C * V);
    flops += product(1, C, double(o.projection));
  }
  return flops;
}

}  // namespace zoo
