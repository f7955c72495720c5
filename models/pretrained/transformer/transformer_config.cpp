// Which keys of an encoder-decoder's config.json mean which of our options. Marian, BART, Pegasus
// and mBART share their keys; T5 has its own.
#include "models/pretrained/transformer/transformer_config.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/transformer/transformer_layouts.h"

namespace zoo {
namespace {

using nlohmann::json;
using Layout = TransformerLayout;

constexpr KeyAlias kBartAliases[] = {{"hidden_size", "d_model"},
                                     {"num_attention_heads", "encoder_attention_heads"},
                                     {"num_hidden_layers", "encoder_layers"}};
constexpr KeyAlias kT5Aliases[] = {{"hidden_size", "d_model"},
                                   {"num_attention_heads", "num_heads"},
                                   {"num_hidden_layers", "num_layers"},
                                   {"head_dim", "d_kv"}};

/// Of our own: the reference's "pruned_heads" has no place for three kinds of attention.
template <class Keys>
void pruned_keys(Keys& keys, TransformerOptions& o) {
  keys.heads("encoder_pruned_heads", o.pruned_heads);
  keys.heads("decoder_pruned_heads", o.decoder_pruned_heads);
  keys.heads("cross_pruned_heads", o.cross_pruned_heads);
}

/// What BART and its relatives share.
template <class Keys>
void bart_keys(Keys& keys, TransformerOptions& o) {
  keys.count("max_position_embeddings", o.context, 1024);
  keys.count("encoder_layers", o.encoder_layers, 12);
  keys.count("decoder_layers", o.decoder_layers, 12);
  keys.count("d_model", o.d_model, 1024);
  keys.count("encoder_attention_heads", o.heads, 16);
  keys.count("decoder_attention_heads", o.decoder_heads, 16);
  pruned_keys(keys, o);
  keys.count("encoder_ffn_dim", o.feed_forward, 4096);
  keys.count("decoder_ffn_dim", o.decoder_feed_forward, 4096);
  keys.activation("activation_function", o.activation, "gelu");
  keys.number("dropout", o.dropout, 0.1);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  keys.number("activation_dropout", o.activation_dropout, 0.0);
  keys.flag("scale_embedding", o.scale_embeddings, false);
  keys.flag("tie_word_embeddings", o.tie_embeddings, true);
}

template <class Keys>
void t5_keys(Keys& keys, TransformerOptions& o) {
  keys.count("d_model", o.d_model, 512);
  keys.count("d_kv", o.head_width, 64);
  keys.count("d_ff", o.feed_forward, 2048);
  keys.count("num_layers", o.encoder_layers, 6);
  keys.count("num_decoder_layers", o.decoder_layers, o.encoder_layers, Null::kMeansMissing);
  keys.count("num_heads", o.heads, 8);
  pruned_keys(keys, o);
  keys.count("relative_attention_num_buckets", o.relative.buckets, 32);
  keys.count("relative_attention_max_distance", o.relative.max_distance, 128);
  keys.number("layer_norm_epsilon", o.norm_epsilon, 1e-6);
  keys.number("dropout_rate", o.dropout, 0.1);
}

constexpr std::string_view kGated = "gated-";

Activation gated(Activation activation) {
  for (const auto& [with_gate, name] : EnumNames<Activation>::values)
    if (is_gated(with_gate) && gate_of(with_gate) == activation) return with_gate;
  config_fail("\"feed_forward_proj\": the zoo has no gate with {}", name_of(activation));
}

/// "gated-gelu" alone means GELU's tanh form.
std::string feed_forward_text(Activation activation) {
  if (activation == Activation::kGegluTanh) return "gated-gelu";
  if (activation == Activation::kGeglu) return "gated-gelu_python";
  const std::string gate = is_gated(activation) ? std::string(kGated) : "";
  return gate + reference_activation(gate_of(activation));
}

/// What transformers 5 writes beside "feed_forward_proj" has precedence over it, as there.
Activation read_feed_forward(const json& config) {
  const auto text = config_value<std::string>(config, "feed_forward_proj", "relu");
  const bool with_gate = text.starts_with(kGated);
  std::string name = text.substr(with_gate ? kGated.size() : 0);
  if (text == "gated-gelu") name = "gelu_new";
  if (name.find('-') != std::string::npos)
    config_fail("\"feed_forward_proj\" must be an activation, or gated- before one, got {}", text);
  const auto activation =
      activation_of(config_value<std::string>(config, "dense_act_fn", name), "feed_forward_proj");
  return config_value(config, "is_gated_act", with_gate) ? gated(activation) : activation;
}

/// What each has in its code, and what older files say of it.
void fixed_keys(ReadKeys& keys, const LayoutRow& row) {
  keys.fixed("is_decoder", false);
  keys.fixed("is_encoder_decoder", true);
  keys.absent("is_causal", "the encoder sees both sides and the decoder looks back");
  if (row.layout == Layout::kT5) return;
  const auto why = fmt::format("{} has", name_of(row.layout));
  const bool pre = row.norm_place == NormPlace::kPre;
  keys.fixed("normalize_before", pre, why);
  keys.fixed("add_final_layer_norm", pre, why);
  keys.fixed("normalize_embedding", row.norm_embeddings, why);
  keys.fixed("static_position_embeddings", row.position == PositionKind::kSinusoidal, why);
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
  if (config.layout != Layout::kT5) {
    bart_keys(keys, o);
    return result;
  }
  o.head_width = encoder_stack(o).head_width;
  t5_keys(keys, o);
  result["feed_forward_proj"] = feed_forward_text(o.activation);
  result["scale_decoder_outputs"] = o.scale_output;
  return result;
}

/// What the reference's code has built in.
TransformerOptions built_in(const LayoutRow& row) {
  if (row.layout == Layout::kT5) {
    TransformerOptions o = TransformerOptions::t5_small();
    o.context = 0;
    return o;
  }
  TransformerOptions o;
  o.norm_epsilon = kBartsEpsilon;
  o.output_bias = true;  // the file may have one, config.json does not tell
  o.norm_place = row.norm_place;
  o.norm_embeddings = row.norm_embeddings;
  o.position = row.position;
  if (row.position == PositionKind::kLearned) o.position_offset = kBartOffset;
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

TransformerOptions t5_options(const json& config, TransformerOptions o) {
  ReadKeys keys(config, kT5Aliases);
  t5_keys(keys, o);
  keys.count("vocab_size", o.vocab_size, 32128);
  o.source_vocab_size = o.vocab_size;
  o.activation = read_feed_forward(config);
  o.attention_dropout = o.activation_dropout = o.dropout;
  // Whether the tables are tied the file tells. What old files say of it means the scale.
  const bool tied = config_value(config, "tie_word_embeddings", true);
  o.scale_output = config_value(config, "scale_decoder_outputs", tied);
  if (o.relative.buckets % 2 != 0) {
    config_fail("\"relative_attention_num_buckets\" must be even, for both directions, got {}",
                o.relative.buckets);
  }
  if (o.relative.max_distance <= o.relative.buckets / 2) {
    config_fail("\"relative_attention_max_distance\" must be above {}, got {}",
                o.relative.buckets / 2, o.relative.max_distance);
  }
  fixed_keys(keys, layout_row(Layout::kT5));
  return o;
}

TransformerOptions from_reference_keys(const json& config, Layout layout) {
  const LayoutRow& row = layout_row(layout);
  TransformerOptions o = built_in(row);
  if (layout == Layout::kT5) return t5_options(config, o);
  ReadKeys keys(config, kBartAliases);
  bart_keys(keys, o);
  fixed_keys(keys, row);
  read_vocabularies(keys, layout, o);
  check_heads(o.d_model, o.heads, "encoder_attention_heads");
  check_heads(o.d_model, o.decoder_heads, "decoder_attention_heads");
  return o;
}

}  // namespace

json transformer_config_to_json(const TransformerConfig& config, const std::string& dtype) {
  json result = reference_keys(config);
  put_class(result, name_of(config.layout), transformer_architectures(config.layout).front(),
            dtype);
  result["is_encoder_decoder"] = true;
  // Before transformers 5, T5's word for its scale.
  if (config.layout == Layout::kT5) result["tie_word_embeddings"] = config.options.scale_output;
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
