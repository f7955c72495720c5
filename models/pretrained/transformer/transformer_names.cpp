// Names on disk of the layouts of encoder-decoders: a row each, of the reference's words for our
// parts.
#include "models/pretrained/transformer/transformer_names.h"

#include <fmt/format.h>

#include <vector>

#include "models/positions/sinusoidal.h"

namespace zoo {
namespace {

using Strings = std::vector<std::string>;

/// Where a sub-layer of attention lies below its block: the projections, their norm.
struct AttentionNames {
  Strings qkv;
  std::string out, norm;
};

/// A row. "{side}" is encoder or decoder, "{ff}" the feed-forward network's number among the
/// sub-layers.
struct LayoutNames {
  std::string prefix;  // of all but the output layer, for classes without one leave it out
  std::string block = "{side}.layers.{}.", final_norm = "{side}.layer_norm";
  AttentionNames self = {{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
                         "self_attn.out_proj",
                         "self_attn_layer_norm"};
  AttentionNames cross = {{"encoder_attn.q_proj", "encoder_attn.k_proj", "encoder_attn.v_proj"},
                          "encoder_attn.out_proj",
                          "encoder_attn_layer_norm"};
  std::string in = "fc1", out = "fc2", feed_forward_norm = "final_layer_norm";
  Strings gate_and_in = {};
};

const LayoutNames& names_of(TransformerLayout layout) {
  static const LayoutNames bart{.prefix = "model."};
  static const auto t5_attention = [](const std::string& at, const std::string& kind) {
    const std::string layer = at + kind + ".";
    return AttentionNames{{layer + "q", layer + "k", layer + "v"}, layer + "o", at + "layer_norm"};
  };
  static const std::string dense = "layer.{ff}.DenseReluDense.";
  static const LayoutNames t5{.prefix = "",
                              .block = "{side}.block.{}.",
                              .final_norm = "{side}.final_layer_norm",
                              .self = t5_attention("layer.0.", "SelfAttention"),
                              .cross = t5_attention("layer.1.", "EncDecAttention"),
                              .in = dense + "wi",
                              .out = dense + "wo",
                              .feed_forward_norm = "layer.{ff}.layer_norm",
                              .gate_and_in = {dense + "wi_0", dense + "wi_1"}};
  return layout == TransformerLayout::kT5 ? t5 : bart;
}

class TransformerNames {
 public:
  TransformerNames(TransformerLayout layout, const TransformerOptions& o)
      : layout_(layout), names_(names_of(layout)), o_(o) {
    map_.family = std::string(name_of(layout));
    map_.prefix = names_.prefix;
    map_.other_heads = {"classification_head.", "qa_outputs."};
  }

  NameMap make(bool head_optional) {
    add_embeddings();
    for (const bool decodes : {false, true}) add_side(decodes);
    if (!o_.tie_embeddings) {
      map_.rows.push_back(
          {.ours = "lm_head.weight", .theirs = {"lm_head.weight"}, .optional = head_optional});
    }
    if (layout_ == TransformerLayout::kT5) return map_;
    if (o_.output_bias) {
      map_.rows.push_back(
          {.ours = "output_bias", .theirs = {"final_logits_bias"}, .optional = true});
    } else {
      map_.zeros["final_logits_bias"] = {1, o_.vocab_size};
    }
    return map_;
  }

 private:
  /// The name on disk of a part of the side.
  std::string filled(std::string name) const {
    for (const auto& [mark, value] : {std::pair<std::string, std::string>("{side}", side_),
                                      {"{ff}", side_ == "encoder" ? "1" : "2"}})
      if (const size_t at = name.find(mark); at != std::string::npos)
        name.replace(at, mark.size(), value);
    return names_.prefix + name;
  }
  void add(const std::string& ours, Strings theirs, const std::string& at = "") {
    for (auto& name : theirs) name = filled(at + name);
    add_layer(map_, {.ours = ours, .theirs = std::move(theirs)});
  }

  void add_embeddings() {
    const std::string shared = names_.prefix + "shared.weight";
    const std::string source = names_.prefix + "encoder.embed_tokens.weight",
                      target = names_.prefix + "decoder.embed_tokens.weight";
    if (o_.share_embeddings) {
      add_parameter(map_, "source_embedding.weight", shared);
      map_.copies[source] = map_.copies[target] = shared;
    } else {
      add_parameter(map_, "source_embedding.weight", source);
      add_parameter(map_, "target_embedding.weight", target);
      map_.ignored.push_back(shared);  // there where nothing is tied, and read by nobody
    }
    if (o_.tie_embeddings) map_.copies["lm_head.weight"] = o_.share_embeddings ? shared : target;
  }

  void add_side(bool decodes) {
    side_ = decodes ? "decoder" : "encoder";
    const std::string ours = side_ + ".{}.", &block = names_.block;
    const auto add_attention = [&](const std::string& part, const AttentionNames& names) {
      add(ours + part + "attention.in_proj", names.qkv, block);
      add(ours + part + "attention.out_proj", {names.out}, block);
      add(ours + (part.empty() ? "attention_norm" : "cross_norm"), {names.norm}, block);
    };
    add_attention("", names_.self);
    if (decodes) add_attention("cross_", names_.cross);
    const bool gated = is_gated(o_.activation);
    add(ours + "feed_forward.in_proj", gated ? names_.gate_and_in : Strings{names_.in}, block);
    add(ours + "feed_forward.out_proj", {names_.out}, block);
    add(ours + "feed_forward_norm", {names_.feed_forward_norm}, block);
    add(side_ + "_norm", {names_.final_norm});
    add((decodes ? "target" : "source") + std::string("_norm"), {"{side}.layernorm_embedding"});
    add_positions(decodes ? "target_position" : "source_position");
    map_.ignored.push_back(filled("{side}.version"));  // of BART's first files
  }

  /// Learned tables are weights. The sinusoids are not, but Pegasus keeps them on disk, and
  /// Marian's older files have them. T5's relative biases lie in the first layer.
  void add_positions(const std::string& ours) {
    const std::string table = filled("{side}.embed_positions.weight");
    if (layout_ == TransformerLayout::kT5) {
      const std::string of_layer = "relative_attention_bias.weight";
      add_parameter(map_, ours + ".relative_bias.weight",
                    filled("{side}.block.0.layer.0.SelfAttention." + of_layer));
      // Of the first files, which nothing reads.
      map_.ignored.push_back(filled("{side}.block.0.layer.1.EncDecAttention." + of_layer));
    } else if (o_.position == PositionKind::kLearned) {
      add_parameter(map_, ours + ".table.weight", table);
    } else if (layout_ == TransformerLayout::kPegasus) {
      map_.computed[table] = sinusoidal_table(o_.context, o_.d_model, o_.sinusoids);
    } else {
      map_.ignored.push_back(table);
    }
  }

  NameMap map_{.family = {}, .rows = {}};
  TransformerLayout layout_;
  const LayoutNames& names_;
  const TransformerOptions& o_;
  std::string side_;
};

}  // namespace

NameMap transformer_name_map(TransformerLayout layout, const TransformerOptions& options,
                             bool head_optional) {
  if (layout == TransformerLayout::kZoo) return {.family = "zoo_transformer", .rows = {}};
  const TransformerOptions o = resolved(options);
  return TransformerNames(layout, o).make(head_optional);
}

}  // namespace zoo
