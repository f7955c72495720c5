// Which keys of Marian's, BART's and Pegasus's config.json mean which of our options. The three
// share their keys; what they differ in is written into their code, and stands here as demands.
#include "models/pretrained/transformer/transformer_config.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/usual_stack.h"

namespace zoo {
namespace {

using nlohmann::json;
using Layout = TransformerLayout;

constexpr double kTheirEpsilon = 1e-5;  // none of them has a key for it
constexpr int64_t kBartOffset = 2;

/// Tied tables: all three are one, or none is. Only Marian has a source table apart beside a tied
/// output layer.
bool ties_as(Layout layout, const TransformerOptions& o) {
  if (o.share_embeddings == o.tie_embeddings) return true;
  return layout == Layout::kMarian && o.tie_embeddings;
}

/// What keeps a model out of a layout.
std::string unlike(Layout layout, const TransformerOptions& o) {
  const bool bart = layout == Layout::kBart;
  Demands demands;
  demands.expect(o.position == (bart ? PositionKind::kLearned : PositionKind::kSinusoidal),
                 bart ? "position learned" : "position sinusoidal");
  if (bart) {
    demands.expect(o.position_offset == kBartOffset, "position-offset 2");
  } else {
    demands.expect(o.sinusoids == SinusoidOrder::kHalves, "sinusoids halves");
  }
  const bool pre = layout == Layout::kPegasus;
  demands.expect(o.norm_place == (pre ? NormPlace::kPre : NormPlace::kPost),
                 pre ? "norm-place pre" : "norm-place post");
  demands.expect(o.norm_epsilon == kTheirEpsilon, "norm-epsilon 1e-5");
  demands.expect(o.norm_embeddings == bart,
                 bart ? "norm-embeddings true" : "norm-embeddings false");
  demands.expect(!is_gated(o.activation), "an activation without a gate");
  demands.expect(ties_as(layout, o), "tie-embeddings as share-embeddings");
  demands.expect(o.share_embeddings || layout == Layout::kMarian ||
                     resolved(o).source_vocab_size == o.vocab_size,
                 "one vocabulary");
  expect_usual_stack(encoder_stack(o), demands);
  if (resolved(o).decoder_heads != o.heads) expect_usual_stack(decoder_stack(o), demands);
  return demands.text();
}

constexpr KeyAlias kAliases[] = {{"hidden_size", "d_model"},
                                 {"num_attention_heads", "encoder_attention_heads"},
                                 {"num_hidden_layers", "encoder_layers"}};

/// What all three share.
template <class Keys>
void shared_keys(Keys& keys, TransformerOptions& o) {
  keys.count("max_position_embeddings", o.context, 1024);
  keys.count("encoder_layers", o.encoder_layers, 12);
  keys.count("decoder_layers", o.decoder_layers, 12);
  keys.count("d_model", o.d_model, 1024);
  keys.count("encoder_attention_heads", o.heads, 16);
  keys.count("decoder_attention_heads", o.decoder_heads, 16);
  // Of our own: the reference's "pruned_heads" has no place for three kinds of attention.
  keys.heads("encoder_pruned_heads", o.pruned_heads);
  keys.heads("decoder_pruned_heads", o.decoder_pruned_heads);
  keys.heads("cross_pruned_heads", o.cross_pruned_heads);
  keys.count("encoder_ffn_dim", o.feed_forward, 4096);
  keys.count("decoder_ffn_dim", o.decoder_feed_forward, 4096);
  keys.activation("activation_function", o.activation, "gelu");
  keys.number("dropout", o.dropout, 0.1);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  keys.number("activation_dropout", o.activation_dropout, 0.0);
  keys.flag("scale_embedding", o.scale_embeddings, false);
  keys.flag("tie_word_embeddings", o.tie_embeddings, true);
}

/// What each has in its code, and what older files say of it.
void fixed_keys(ReadKeys& keys, Layout layout) {
  keys.fixed("is_decoder", false);
  keys.fixed("is_encoder_decoder", true);
  keys.absent("is_causal", "the encoder sees both sides and the decoder looks back");
  const bool bart = layout == Layout::kBart, pegasus = layout == Layout::kPegasus;
  const auto why = fmt::format("{} has", name_of(layout));
  keys.fixed("normalize_before", pegasus, why);
  keys.fixed("add_final_layer_norm", pegasus, why);
  keys.fixed("normalize_embedding", bart, why);
  keys.fixed("static_position_embeddings", !bart, why);
  keys.fixed("add_bias_logits", false, why);
}

json reference_keys(const TransformerConfig& config) {
  TransformerOptions o = resolved(config.options);
  json result = {{"vocab_size", o.source_vocab_size}};
  if (config.layout == Layout::kMarian || config.layout == Layout::kZoo)
    result["decoder_vocab_size"] = o.vocab_size;
  if (config.layout == Layout::kZoo) return result;
  if (config.layout == Layout::kMarian)
    result["share_encoder_decoder_embeddings"] = o.share_embeddings;
  WriteKeys keys(result);
  shared_keys(keys, o);
  return result;
}

/// What the reference's code has built in.
TransformerOptions built_in(Layout layout) {
  TransformerOptions o;
  o.norm_epsilon = kTheirEpsilon;
  o.output_bias = true;  // the file may have one, config.json does not tell
  o.norm_place = layout == Layout::kPegasus ? NormPlace::kPre : NormPlace::kPost;
  if (layout == Layout::kBart) {
    o.position = PositionKind::kLearned;
    o.position_offset = kBartOffset;
    o.norm_embeddings = true;
  }
  return o;
}

void check_heads(int64_t d_model, int64_t heads, const char* key) {
  if (d_model % heads != 0)
    config_fail("\"d_model\" {} is not a multiple of \"{}\" {}", d_model, key, heads);
}

/// Only Marian has a vocabulary a side.
void read_vocabularies(ReadKeys& keys, Layout layout, TransformerOptions& o) {
  keys.count("vocab_size", o.source_vocab_size, layout == Layout::kMarian ? 58101 : 50265);
  o.vocab_size = o.source_vocab_size;
  o.share_embeddings = o.tie_embeddings;
  if (layout != Layout::kMarian) return;
  keys.count("decoder_vocab_size", o.vocab_size, o.source_vocab_size, Null::kMeansMissing);
  bool shared = true;
  keys.flag("share_encoder_decoder_embeddings", shared, true);
  o.share_embeddings = shared && o.tie_embeddings;
  if (shared && o.vocab_size != o.source_vocab_size) {
    config_fail("\"decoder_vocab_size\" {} differs from \"vocab_size\" {}, but they share a table",
                o.vocab_size, o.source_vocab_size);
  }
}

TransformerOptions from_reference_keys(const json& config, Layout layout) {
  TransformerOptions o = built_in(layout);
  ReadKeys keys(config, kAliases);
  shared_keys(keys, o);
  fixed_keys(keys, layout);
  read_vocabularies(keys, layout, o);
  check_heads(o.d_model, o.heads, "encoder_attention_heads");
  check_heads(o.d_model, o.decoder_heads, "decoder_attention_heads");
  return o;
}

}  // namespace

std::span<const std::string_view> transformer_architectures(Layout layout) {
  static constexpr std::string_view kMarian[] = {"MarianMTModel", "MarianModel"};
  static constexpr std::string_view kBart[] = {"BartForConditionalGeneration", "BartModel"};
  static constexpr std::string_view kPegasus[] = {"PegasusForConditionalGeneration",
                                                  "PegasusModel"};
  static constexpr std::string_view kZoo[] = {"ZooTransformer"};
  switch (layout) {
    case Layout::kMarian:
      return kMarian;
    case Layout::kBart:
      return kBart;
    case Layout::kPegasus:
      return kPegasus;
    case Layout::kZoo:
      break;
  }
  return kZoo;
}

TransformerLayout layout_of(const TransformerOptions& options) {
  for (const auto& [layout, name] : EnumNames<Layout>::values) {
    if (layout != Layout::kZoo && unlike(layout, options).empty()) return layout;
  }
  return Layout::kZoo;
}

std::string layout_note(const TransformerOptions& options) {
  if (layout_of(options) != Layout::kZoo) return "";
  return fmt::format(
      "checkpoints are written as model_type zoo_transformer, which Python's transformers does not "
      "open: Marian's layout would need {}; BART's would need {}; Pegasus's would need {}",
      unlike(Layout::kMarian, options), unlike(Layout::kBart, options),
      unlike(Layout::kPegasus, options));
}

json transformer_config_to_json(const TransformerConfig& config, const std::string& dtype) {
  json result = reference_keys(config);
  put_class(result, name_of(config.layout), transformer_architectures(config.layout).front(),
            dtype);
  result["is_encoder_decoder"] = true;
  put_special_ids(config.ids, result);
  // Else the reference would force the id that ends a text in its own vocabulary.
  result["forced_eos_token_id"] = result["eos_token_id"];
  result["zoo"] = options_to_json(config.options);
  return result;
}

TransformerConfig transformer_config_from_json(const json& config) {
  TransformerConfig result;
  result.layout = read_model_type<Layout>(config);
  result.has_head = names_first_class(config, transformer_architectures(result.layout));
  result.ids = special_ids(config);
  const bool ours = result.layout == Layout::kZoo;
  if (!ours) {
    result.options = from_reference_keys(config, result.layout);
  } else if (!config.contains("vocab_size")) {
    config_fail("no \"vocab_size\"");
  } else {
    result.options.source_vocab_size = config_count(config, "vocab_size", 0);
    result.options.vocab_size =
        config_count(config, "decoder_vocab_size", result.options.source_vocab_size);
  }
  if (read_zoo_options(config, result.options, ours)) {
    check(result.options);
    check_agreement(config, reference_keys(result));
  }
  return result;
}

}  // namespace zoo
