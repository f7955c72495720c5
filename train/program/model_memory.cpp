#include "train/program/model_memory.h"

#include <fmt/format.h>

#include "base/memory.h"
#include "models/device.h"
#include "train/program/usage.h"

namespace zoo {
namespace {

constexpr double kLayerObjects = 10e3;  // bytes of a layer's modules, tensors and names

double number(int64_t value) { return static_cast<double>(value); }
/// An option that 0 leaves open.
double number(int64_t value, double otherwise) { return value > 0 ? number(value) : otherwise; }

/// Query, key, value and output projections and the feed-forward network; `query` and `key_value`:
/// rows of the projections.
double block(double C, double query, double key_value, double F, Activation activation) {
  const double feed_forward = (activation == Activation::kSwiglu ? 3.0 : 2.0) * C * F;
  return 2.0 * C * query + 2.0 * C * key_value + feed_forward;
}

double block(double C, double F, Activation activation) { return block(C, C, C, F, activation); }

/// Three stages of `blocks` residual blocks, each of two 3 x 3 convolutions.
ModelNeed cnn(int64_t blocks, int64_t width) {
  const double w = number(width), n = number(blocks);
  return {.parameters = 2.0 * 9.0 * w * w * ((n - 0.5) * (1.0 + 4.0 + 16.0)), .layers = 3.0 * n};
}

}  // namespace

ModelNeed need_of(const GptOptions& o) {
  const double C = number(o.d_model), H = number(o.heads);
  const double Dh = number(o.head_width, C / H), F = number(o.feed_forward, 4.0 * C);
  const double of_block = block(C, H * Dh, number(o.kv_heads, H) * Dh, F, o.activation);
  const double positions = o.position == PositionKind::kLearned ? number(o.context) * C : 0.0;
  const double tables = number(o.vocab_size) * C * (o.tie_embeddings ? 1.0 : 2.0);
  return {.parameters = number(o.layers) * of_block + positions + tables,
          .layers = number(o.layers)};
}

ModelNeed need_of(const BertOptions& o) {
  const double C = number(o.d_model), E = number(o.embedding_width, C);
  const double blocks = number(o.shared_blocks, number(o.layers));
  const double rows = number(o.vocab_size) + number(o.context);
  return {.parameters = blocks * block(C, number(o.feed_forward, 4.0 * C), o.activation) + rows * E,
          .layers = blocks};
}

ModelNeed need_of(const TransformerOptions& o) {
  const double C = number(o.d_model), F = number(o.feed_forward, 4.0 * C);
  const double encoder = block(C, F, o.activation);
  const double decoder = block(C, number(o.decoder_feed_forward, F), o.activation) + 4.0 * C * C;
  const double positions = o.position == PositionKind::kLearned ? number(o.context) * C : 0.0;
  return {.parameters = number(o.encoder_layers) * encoder + number(o.decoder_layers) * decoder +
                        positions + number(o.vocab_size) * C,
          .layers = number(o.encoder_layers) + number(o.decoder_layers)};
}

ModelNeed need_of(const RecurrentOptions& o) {
  const double C = number(o.d_model), L = number(o.layers);
  // Four gates, of an input and a state: C wide in the decoder, twice C / 2 in the encoder.
  return {.parameters = L * (8.0 + 6.0) * C * C - 2.0 * C * C + number(o.vocab_size) * C,
          .layers = 2.0 * L};
}

ModelNeed need_of(const VitOptions& o) {
  const double C = number(o.d_model), P = number(o.patch_size);
  const double patch = P * number(o.patch_width, P) * number(o.channels);
  return {.parameters =
              number(o.layers) * block(C, number(o.feed_forward, 4.0 * C), Activation::kGelu) +
              C * patch,
          .layers = number(o.layers)};
}

ModelNeed need_of(const CctOptions& o) {
  const double C = number(o.d_model), L = number(o.layers);
  return {.parameters = L * block(C, number(o.feed_forward, C), Activation::kGelu),
          .layers = L + number(o.convolutions)};
}

ModelNeed need_of(const CnnOptions& o) { return cnn(o.blocks, o.width); }

ModelNeed need_of(const LinearClassifierOptions&) {
  return {};  // pictures have at most 4096 pixels a side
}

ModelNeed need_of(const ClipOptions& o) {
  const ModelNeed image =
      o.image_tower == ImageTower::kCnn ? cnn(o.cnn_blocks, o.cnn_width) : need_of(o.image);
  const ModelNeed text = need_of(o.text);
  const double projections = number(o.projection) * number(o.text.d_model);
  return {.parameters = image.parameters + text.parameters + projections,
          .layers = image.layers + text.layers};
}

void check_memory(const ModelNeed& need, const TrainOptions& options, const TrainCommand& command) {
  const bool trains = command.evaluate_only.empty() && find_device(options.device).is_cpu();
  const double copies = trains ? 4.0 + (options.ema_decay > 0.0 ? 1.0 : 0.0) : 1.0;
  const double bytes = sizeof(float) * copies * need.parameters + kLayerObjects * need.layers;
  const auto model = fmt::format("{}a model of {:.3g} M parameters in {:.0f} layers",
                                 trains ? "training " : "", need.parameters / 1e6, need.layers);
  check_usage([&] { require_memory(bytes, model, "choose fewer layers, or less wide ones"); });
}

}  // namespace zoo
