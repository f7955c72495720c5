// Names on disk of the layouts of ViT: a row each.
#include <string>
#include <vector>

#include "models/pretrained/vision/vit_checkpoint.h"

namespace zoo {
namespace {

/// A row: what parts of a block are called below it; empty: the layout has none.
struct VitNames {
  std::string attention_norm, feed_forward_norm;
  std::string in, out;  // of the feed-forward network
  std::string gate_and_in = {}, gated_out = {};
  std::string attention_scale = {}, feed_forward_scale = {};
};

const VitNames& names_of(VitLayout layout) {
  static const VitNames vit{.attention_norm = "layernorm_before",
                            .feed_forward_norm = "layernorm_after",
                            .in = "intermediate.dense",
                            .out = "output.dense"};
  static const VitNames dinov2{.attention_norm = "norm1",
                               .feed_forward_norm = "norm2",
                               .in = "mlp.fc1",
                               .out = "mlp.fc2",
                               .gate_and_in = "mlp.weights_in",
                               .gated_out = "mlp.weights_out",
                               .attention_scale = "layer_scale1.lambda1",
                               .feed_forward_scale = "layer_scale2.lambda1"};
  return layout == VitLayout::kDinov2 ? dinov2 : vit;
}

void add_tokens(NameMap& map, const std::string& embeddings, const VitOptions& o) {
  const int64_t C = o.d_model, T = prefix_tokens(o) + grid_of(o).patches();
  const auto add = [&](const char* ours, const char* theirs, std::vector<int64_t> shape,
                       bool optional = false) {
    map.rows.push_back({.ours = ours,
                        .theirs = {embeddings + theirs},
                        .optional = optional,
                        .shape = std::move(shape)});
  };
  add("class_token", "cls_token", {1, 1, C});
  add("distillation_token", "distillation_token", {1, 1, C});
  add("mask_token", "mask_token", {1, C}, /*optional=*/true);
  add("position.table.weight", "position_embeddings", {1, T, C});
}

/// What the reference's modules are called in memory, where a file has them so.
void add_synonyms(NameMap& map, const std::string& memory, const std::string& layer,
                  const VitNames& names) {
  for (const auto& [other, today] :
       {std::pair<std::string, std::string>("attention.q_proj", "attention.attention.query"),
        {"attention.k_proj", "attention.attention.key"},
        {"attention.v_proj", "attention.attention.value"},
        {"attention.o_proj", "attention.output.dense"},
        {"mlp.fc1", names.in},
        {"mlp.fc2", names.out},
        {names.attention_norm, names.attention_norm},
        {names.feed_forward_norm, names.feed_forward_norm}}) {
    if (memory + other == layer + today) continue;
    for (const char* kind : {".weight", ".bias"})
      map.synonyms.emplace_back(memory + other + kind, layer + today + kind);
  }
}

}  // namespace

NameMap vit_name_map(const VitOptions& options) {
  const VitLayout layout = layout_of(options);
  NameMap map{.family = std::string(name_of(layout)), .rows = {}};
  if (layout == VitLayout::kZoo) return map;
  const VitNames& names = names_of(layout);
  const std::string root = map.prefix = map.family + ".", embeddings = root + "embeddings.";
  map.writes_prefix = options.classes > 0;
  const auto add = [&](const std::string& ours, const std::vector<std::string>& theirs) {
    add_layer(map, {.ours = ours, .theirs = theirs});
  };
  add_tokens(map, embeddings, options);
  add("patch_embedding.projection", {embeddings + "patch_embeddings.projection"});
  const std::string layer = root + "encoder.layer.{}.", self = layer + "attention.attention.";
  const bool gated = is_gated(options.activation);
  add("blocks.{}.attention_norm", {layer + names.attention_norm});
  add("blocks.{}.attention.in_proj", {self + "query", self + "key", self + "value"});
  add("blocks.{}.attention.out_proj", {layer + "attention.output.dense"});
  add("blocks.{}.feed_forward_norm", {layer + names.feed_forward_norm});
  add("blocks.{}.feed_forward.in_proj", {layer + (gated ? names.gate_and_in : names.in)});
  add("blocks.{}.feed_forward.out_proj", {layer + (gated ? names.gated_out : names.out)});
  if (!names.attention_scale.empty()) {
    add_parameter(map, "blocks.{}.attention_scale", layer + names.attention_scale);
    add_parameter(map, "blocks.{}.feed_forward_scale", layer + names.feed_forward_scale);
  }
  add("final_norm", {root + "layernorm"});
  add("pooler", {root + "pooler.dense"});
  const bool two_heads = options.distillation == Distillation::kHead;
  add("head", {two_heads ? "cls_classifier" : "classifier"});
  add("distillation_head", {"distillation_classifier"});
  const std::string in_memory = layout == VitLayout::kDinov2 ? layer : root + "layers.{}.";
  add_synonyms(map, in_memory, layer, names);
  // What other classes of the reference have besides: a token for masked patches, a pooler.
  map.ignored = {embeddings + "mask_token"};
  map.other_heads = {"classifier.", "cls_classifier.", "distillation_classifier.", "decoder."};
  if (!options.pooler) ignore_layer(map, root + "pooler.dense");
  return map;
}

}  // namespace zoo
