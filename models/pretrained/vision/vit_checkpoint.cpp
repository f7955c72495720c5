// Names on disk of ViT's and DeiT's layouts, and whole checkpoints in and out.
#include "models/pretrained/vision/vit_checkpoint.h"

#include "base/files.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// At least so many parameters does config.json describe.
double claimed_parameters(const VitOptions& options) {
  const VitOptions o = resolved(options);
  const double C = double(o.d_model);
  const double patch = double(o.channels) * double(o.patch_size) * double(o.patch_width);
  const Grid grid = grid_of(o);
  const bool table = o.position == GridPositionKind::kLearned;
  return C * (patch + double(o.classes) + (table ? double(grid.rows) * double(grid.columns) : 0)) +
         double(o.layers) * least_block_parameters(o);
}

bool is_encoder_alone(const VitOptions& o) { return o.classes == 0; }

}  // namespace

NameMap vit_name_map(const VitOptions& options) {
  const VitLayout layout = layout_of(options);
  NameMap map{.family = std::string(name_of(layout)), .rows = {}};
  if (layout == VitLayout::kZoo) return map;
  const bool deit = layout == VitLayout::kDeit;
  const std::string root = map.prefix = map.family + ".", embeddings = root + "embeddings.";
  const auto add = [&](const std::string& ours, const std::vector<std::string>& theirs) {
    for (const char* kind : {".weight", ".bias"}) {
      auto names = theirs;
      for (auto& name : names) name += kind;
      map.rows.push_back({.ours = ours + kind, .theirs = names});
    }
  };
  const int64_t C = options.d_model, T = prefix_tokens(options) + grid_of(options).patches();
  map.rows.push_back(
      {.ours = "class_token", .theirs = {embeddings + "cls_token"}, .shape = {1, 1, C}});
  map.rows.push_back({.ours = "distillation_token",
                      .theirs = {embeddings + "distillation_token"},
                      .shape = {1, 1, C}});
  map.rows.push_back({.ours = "position.table.weight",
                      .theirs = {embeddings + "position_embeddings"},
                      .shape = {1, T, C}});
  add("patch_embedding.projection", {embeddings + "patch_embeddings.projection"});
  const std::string layer = root + "encoder.layer.{}.", self = layer + "attention.attention.";
  add("blocks.{}.attention_norm", {layer + "layernorm_before"});
  add("blocks.{}.attention.in_proj", {self + "query", self + "key", self + "value"});
  add("blocks.{}.attention.out_proj", {layer + "attention.output.dense"});
  add("blocks.{}.feed_forward_norm", {layer + "layernorm_after"});
  add("blocks.{}.feed_forward.in_proj", {layer + "intermediate.dense"});
  add("blocks.{}.feed_forward.out_proj", {layer + "output.dense"});
  add("final_norm", {root + "layernorm"});
  add("pooler", {root + "pooler.dense"});
  add("head",
      {deit && options.distillation == Distillation::kHead ? "cls_classifier" : "classifier"});
  add("distillation_head", {"distillation_classifier"});
  const std::string memory = root + "layers.{}.";
  for (const auto& [other, today] : {std::pair("attention.q_proj", "attention.attention.query"),
                                     {"attention.k_proj", "attention.attention.key"},
                                     {"attention.v_proj", "attention.attention.value"},
                                     {"attention.o_proj", "attention.output.dense"},
                                     {"mlp.fc1", "intermediate.dense"},
                                     {"mlp.fc2", "output.dense"},
                                     {"layernorm_before", "layernorm_before"},
                                     {"layernorm_after", "layernorm_after"}}) {
    for (const char* kind : {".weight", ".bias"})
      map.synonyms.emplace_back(memory + other + kind, layer + today + kind);
  }
  // What other classes of the reference have besides: a token for masked patches, a pooler.
  map.ignored = {embeddings + "mask_token"};
  map.other_heads = {"classifier.", "cls_classifier.", "distillation_classifier.", "decoder."};
  if (!options.pooler) {
    for (const char* kind : {".weight", ".bias"})
      map.ignored.push_back(root + "pooler.dense" + kind);
  }
  return map;
}

Vit load_vit(const fs::path& folder, const LoadVitOptions& load) {
  VitConfig config = read_vit_config(folder);
  VitOptions& options = config.options;
  options.attention = settled_kernel(load.attention, options.attention, load.device);
  const SafetensorsReader reader(folder);
  check_claim(claimed_parameters(options), reader);
  if (is_encoder_alone(options) && config.layout != VitLayout::kZoo) {
    const std::string name = "pooler.dense.weight";
    options.pooler =
        reader.contains(name) || reader.contains(std::string(name_of(config.layout)) + "." + name);
  }
  auto model = build_model<Vit>(options, folder);
  model->to(load.device, load.dtype);
  load_named(*model, reader, vit_name_map(options));
  model->eval();
  return model;
}

void load_vit_weights(VitImpl& model, const fs::path& folder) {
  load_named(model, SafetensorsReader(folder), vit_name_map(model.options));
}

void save_vit(const VitImpl& model, const fs::path& folder, std::vector<std::string> labels) {
  const VitOptions& o = model.options;
  const VitConfig config{.options = o,
                         .layout = layout_of(o),
                         .labels = complete_labels(std::move(labels), o.classes)};
  const auto dtype = model.patch_embedding->projection->weight.scalar_type();
  write_file(folder / "config.json",
             vit_config_to_json(config, config_dtype(dtype)).dump(2) + "\n");
  const NameMap map = vit_name_map(o);
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : export_named(model, map)) {
    // An encoder alone is written without the prefix, as the reference does.
    const bool bare = is_encoder_alone(o) && name.starts_with(map.prefix);
    tensors[bare ? name.substr(map.prefix.size()) : name] = tensor;
  }
  write_safetensors(folder / "model.safetensors", tensors);
}

}  // namespace zoo
