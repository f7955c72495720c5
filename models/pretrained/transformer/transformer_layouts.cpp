// The rows, and what keeps a model out of each.
#include "models/pretrained/transformer/transformer_layouts.h"

#include <fmt/format.h>

#include <stdexcept>

#include "models/pretrained/format/usual_stack.h"

namespace zoo {
namespace {

using Layout = TransformerLayout;

constexpr LayoutRow kLayouts[] = {{.layout = Layout::kMarian,
                                   .name = "Marian",
                                   .classes = {"MarianMTModel", "MarianModel"},
                                   .two_vocabularies = true},
                                  {.layout = Layout::kBart,
                                   .name = "BART",
                                   .classes = {"BartForConditionalGeneration", "BartModel"},
                                   .position = PositionKind::kLearned,
                                   .norm_embeddings = true},
                                  {.layout = Layout::kPegasus,
                                   .name = "Pegasus",
                                   .classes = {"PegasusForConditionalGeneration", "PegasusModel"},
                                   .norm_place = NormPlace::kPre},
                                  {.layout = Layout::kMbart,
                                   .name = "mBART",
                                   .classes = {"MBartForConditionalGeneration", "MBartModel"},
                                   .position = PositionKind::kLearned,
                                   .norm_place = NormPlace::kPre,
                                   .norm_embeddings = true},
                                  {.layout = Layout::kT5,
                                   .name = "T5",
                                   .classes = {"T5ForConditionalGeneration", "T5Model"},
                                   .position = PositionKind::kBucketed,
                                   .norm_place = NormPlace::kPre}};

}  // namespace

const LayoutRow& layout_row(Layout layout) {
  for (const auto& row : kLayouts)
    if (row.layout == layout) return row;
  throw std::invalid_argument("a layout of our own has no row");
}

namespace {

/// Tied tables: all three are one, or none is. Only Marian has a source table apart beside a tied
/// output layer, and only T5 an output layer apart beside one table.
bool ties_as(const LayoutRow& row, const TransformerOptions& o) {
  if (row.layout == Layout::kT5) return o.share_embeddings;
  if (o.share_embeddings == o.tie_embeddings) return true;
  return row.two_vocabularies && o.tie_embeddings;
}

/// T5's blocks have RMS norms, no biases, no scale and heads of any width; all else is as usual.
void expect_t5_stack(StackOptions o, Demands& demands) {
  resolve(o);
  demands.expect(o.norm == NormKind::kRms, "norm rms");
  demands.expect(!o.attention_bias, "attention-bias false");
  demands.expect(!o.feed_forward_bias, "feed-forward-bias false");
  demands.expect(!o.scale_attention, "scale-attention false");
  demands.expect(o.activation != Activation::kQuickGelu, "another activation");
  o.norm = NormKind::kLayer;
  o.norm_bias = o.attention_bias = o.qkv_bias = o.feed_forward_bias = o.scale_attention = true;
  if (o.kv_heads == o.heads) o.heads = o.kv_heads = 1, o.head_width = o.d_model;
  expect_usual_stack(o, demands);
}

/// What keeps a model out of a layout.
std::string unlike(Layout layout, const TransformerOptions& options) {
  const TransformerOptions o = resolved(options);
  const LayoutRow& row = layout_row(layout);
  const bool t5 = layout == Layout::kT5;
  Demands demands;
  demands.expect(o.position == row.position, fmt::format("position {}", name_of(row.position)));
  if (row.position == PositionKind::kLearned)
    demands.expect(o.position_offset == kBartOffset, "position-offset 2");
  if (row.position == PositionKind::kSinusoidal)
    demands.expect(o.sinusoids == SinusoidOrder::kHalves, "sinusoids halves");
  demands.expect(o.norm_place == row.norm_place,
                 fmt::format("norm-place {}", name_of(row.norm_place)));
  demands.expect(o.norm_embeddings == row.norm_embeddings,
                 fmt::format("norm-embeddings {}", row.norm_embeddings));
  demands.expect(ties_as(row, o),
                 t5 ? "share-embeddings true" : "tie-embeddings as share-embeddings");
  demands.expect(o.share_embeddings || row.two_vocabularies || o.source_vocab_size == o.vocab_size,
                 "one vocabulary");
  if (t5) {
    demands.expect(!o.scale_embeddings, "scale-embeddings false");
    demands.expect(!o.output_bias, "output-bias false");
    demands.expect(o.decoder_heads == o.heads, "decoder-heads as heads");
    demands.expect(o.decoder_feed_forward == o.feed_forward,
                   "decoder-feed-forward as feed-forward");
    expect_t5_stack(encoder_stack(o), demands);
    return demands.text();
  }
  demands.expect(o.norm_epsilon == kBartsEpsilon, "norm-epsilon 1e-5");
  demands.expect(!o.scale_output, "scale-output false");
  demands.expect(!is_gated(o.activation), "an activation without a gate");
  expect_usual_stack(encoder_stack(o), demands);
  if (o.decoder_heads != o.heads) expect_usual_stack(decoder_stack(o), demands);
  return demands.text();
}

}  // namespace

std::span<const std::string_view> transformer_architectures(Layout layout) {
  static constexpr std::string_view kZoo[] = {"ZooTransformer"};
  if (layout == Layout::kZoo) return kZoo;
  return layout_row(layout).classes;
}

TransformerLayout layout_of(const TransformerOptions& options) {
  for (const auto& [layout, name] : EnumNames<Layout>::values) {
    if (layout != Layout::kZoo && unlike(layout, options).empty()) return layout;
  }
  return Layout::kZoo;
}

std::string layout_note(const TransformerOptions& options) {
  if (layout_of(options) != Layout::kZoo) return "";
  std::string needs;
  for (const auto& row : kLayouts) {
    needs += fmt::format("{}{}'s {}would need {}", needs.empty() ? "" : "; ", row.name,
                         needs.empty() ? "layout " : "", unlike(row.layout, options));
  }
  return "checkpoints are written as model_type zoo_transformer, which Python's transformers does "
         "not open: " +
         needs;
}

}  // namespace zoo
