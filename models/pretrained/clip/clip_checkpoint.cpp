// Names on disk of CLIP's layouts, and whole checkpoints in and out.
#include "models/pretrained/clip/clip_checkpoint.h"

#include "base/files.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// At least so many parameters does config.json describe.
double claimed_parameters(const ClipOptions& options) {
  const ClipOptions o = resolved(options);
  double sum = 0;
  if (o.towers != ClipTowers::kText && o.image_tower == ImageTower::kVit) {
    const VitOptions& i = o.image;
    const Grid grid = grid_of(i);
    const double positions =
        i.position == GridPositionKind::kLearned ? double(grid.rows) * double(grid.columns) : 0.0;
    sum += double(i.layers) * least_block_parameters(i) +
           double(i.d_model) *
               (double(i.channels) * double(i.patch_size) * double(i.patch_width) + positions);
  } else if (o.towers != ClipTowers::kText) {
    sum += 9.0 * double(o.cnn_width) * double(o.cnn_width) * double(o.cnn_blocks);
  }
  if (o.towers != ClipTowers::kImage) {
    const GptOptions& t = o.text;
    // Llama's blocks may have few key-value heads: queries and outputs are there in any case.
    sum += double(t.d_model) * double(t.vocab_size) +
           double(t.layers) * double(t.d_model) * double(t.feed_forward);
  }
  return sum;
}

/// What both towers' blocks are called.
class ClipNames {
 public:
  explicit ClipNames(const ClipOptions& options) : options_(options) {
    map_.family = name_of(layout_of(options));
  }

  NameMap make() {
    if (layout_of(options_) == ClipLayout::kZoo) return map_;
    if (options_.towers != ClipTowers::kText) add_image_tower();
    if (options_.towers != ClipTowers::kImage) add_text_tower();
    map_.rows.push_back({.ours = "logit_scale", .theirs = {"logit_scale"}});
    return map_;
  }

 private:
  void add_row(const std::string& ours, const std::string& theirs) {
    map_.rows.push_back({.ours = ours, .theirs = {theirs}});
  }
  /// Weight and bias of a layer.
  void add(const std::string& ours, const std::vector<std::string>& theirs) {
    for (const char* kind : {".weight", ".bias"}) {
      auto names = theirs;
      for (auto& name : names) name += kind;
      map_.rows.push_back({.ours = ours + kind, .theirs = names});
    }
  }

  void add_blocks(const std::string& ours, const std::string& theirs) {
    const std::string block = ours + "blocks.{}.", layer = theirs + "encoder.layers.{}.",
                      self = layer + "self_attn.";
    add(block + "attention_norm", {layer + "layer_norm1"});
    add(block + "attention.in_proj", {self + "q_proj", self + "k_proj", self + "v_proj"});
    add(block + "attention.out_proj", {self + "out_proj"});
    add(block + "feed_forward_norm", {layer + "layer_norm2"});
    add(block + "feed_forward.in_proj", {layer + "mlp.fc1"});
    add(block + "feed_forward.out_proj", {layer + "mlp.fc2"});
    map_.ignored.push_back(theirs + "embeddings.position_ids");  // of old files
  }

  void add_image_tower() {
    const std::string at = "vision_model.";
    add_row("image.class_token", at + "embeddings.class_embedding");
    add_row("image.patch_embedding.projection.weight", at + "embeddings.patch_embedding.weight");
    add_row("image.position.table.weight", at + "embeddings.position_embedding.weight");
    add("image.embedding_norm", {at + "pre_layrnorm"});  // spelt so
    add_blocks("image.", at);
    add("image.final_norm", {at + "post_layernorm"});
    add_row("image_projection.weight", "visual_projection.weight");
  }

  void add_text_tower() {
    const std::string at = "text_model.";
    add_row("text.token_embedding.weight", at + "embeddings.token_embedding.weight");
    add_row("text.position.table.weight", at + "embeddings.position_embedding.weight");
    add_blocks("text.", at);
    add("text.final_norm", {at + "final_layer_norm"});
    add_row("text_projection.weight", "text_projection.weight");
  }

  const ClipOptions& options_;
  NameMap map_{.family = {}, .rows = {}};
};

}  // namespace

NameMap clip_name_map(const ClipOptions& options) { return ClipNames(options).make(); }

Clip load_clip(const fs::path& folder, const LoadClipOptions& load) {
  ClipOptions options = read_clip_config(folder).options;
  for (std::string* kernel : {&options.image.attention, &options.text.attention})
    *kernel = settled_kernel(load.attention, *kernel, load.device);
  const SafetensorsReader reader(folder);
  check_claim(claimed_parameters(options), reader);
  auto model = build_model<Clip>(options, folder);
  model->to(load.device, load.dtype);
  load_named(*model, reader, clip_name_map(options));
  model->eval();
  return model;
}

void load_clip_weights(ClipImpl& model, const fs::path& folder) {
  load_named(model, SafetensorsReader(folder), clip_name_map(model.options));
}

void save_clip(const ClipImpl& model, const fs::path& folder, const SpecialIds& ids) {
  const ClipConfig config{.options = model.options, .layout = layout_of(model.options), .ids = ids};
  const auto dtype = model.parameters().front().scalar_type();
  write_file(folder / "config.json",
             clip_config_to_json(config, config_dtype(dtype)).dump(2) + "\n");
  write_safetensors(folder / "model.safetensors",
                    export_named(model, clip_name_map(model.options)));
}

}  // namespace zoo
