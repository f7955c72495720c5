#include "train/clip/clip_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "app/cli.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "infer/retrieval/clip_texts.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "train/objectives/contrastive.h"
#include "train/program/checkpoint_shape.h"
#include "train/program/table.h"
#include "train/program/usage.h"

namespace zoo {
namespace fs = std::filesystem;

ClipTraining::ClipTraining()
    : Training({.family = "clip",
                .description = "Train a CLIP (Radford et al. 2021) on pairs of images and texts.",
                .tokenizer = TokenizerOptions{.tokenizer = "sentencepiece-unigram",
                                              .vocab_size = 2000,
                                              .trained_on = "the captions"},
                .objective_alias = "loss",
                .examples = {
                    "train_clip --config clip-shapes --out runs/shapes",
                    "train_clip --config clip-emoji --objective siglip --out runs/emoji-clip"}}) {}

void ClipTraining::declare_options(CLI::App& app) {
  add_options(app, "Model", model_);
  add_options(app, "Data", pairs_);
}

// What a CLIP can learn. A new contrastive loss is a function and a row here.

const std::vector<ClipTraining::Row>& ClipTraining::rows() {
  static const std::vector<Row> rows = {
      {.name = "infonce",
       .what = "which text of the batch belongs to a picture, and which picture to a text",
       .loss = info_nce_loss},
      {.name = "siglip",
       .what = "of each picture and text whether they belong together",
       .loss = siglip_loss,
       .has_bias = true}};
  return rows;
}

const ClipTraining::Row& ClipTraining::row() const {
  return find_row(rows(), "objective", objective().name);
}

std::vector<Objective> ClipTraining::objectives() {
  std::vector<Objective> table;
  for (const Row& row : rows()) {
    table.push_back({.name = row.name,
                     .what = row.what,
                     .lacks_validation =
                         [this] {
                           if (!pairs_.drawn()) return lacks_validation(pairs_.validation);
                           return std::string(
                               pairs_.validation_shapes > 0 ? "" : "validation-shapes above 0");
                         },
                     .prepare = [this] { prepare(); },
                     .make_task = [this](const fs::path&) { return make_contrastive_task(); }});
  }
  return table;
}

// The model.

std::vector<AttentionUse> ClipTraining::attention() const {
  const VitOptions& image = model_.image;
  const GptOptions& text = model_.text;
  return {
      {.kernel = image.attention, .causal = false, .dropout = image.attention_dropout},
      {.kernel = text.attention, .causal = model_.text_causal, .dropout = text.attention_dropout},
  };
}

void ClipTraining::take_model(const fs::path& folder) {
  take_shape(model_, resolved(read_clip_config(folder).options), folder, command());
  if (row().has_bias && !model_.has_logit_bias && !command().init_from.empty()) {
    throw UsageError(
        fmt::format("--objective {}: the model in '{}' has no bias; go on with --objective {}, or "
                    "train a new model",
                    row().name, folder.string(), rows().front().name));
  }
}

Clip ClipTraining::make_model() {
  model_.text.vocab_size = vocabulary_for(*tokenizer_, model_.text.vocab_size, command());
  if (command().source().empty()) model_.end_token = text_end_id(*tokenizer_);
  return build([&] { return Clip(model_); },
               [](Clip& made, const fs::path& folder) { load_clip_weights(*made, folder); });
}

NameMap ClipTraining::names_on_disk() const { return clip_name_map(resolved(model_)); }

// The pairs, and the objective.

void ClipTraining::prepare() {
  require_pair_files(pairs_);
  tokenizer_ = caption_tokenizer(pairs_, tokenizer_options());
  text_end_id(*tokenizer_);  // one clear error where it has none
}

std::unique_ptr<Task> ClipTraining::make_contrastive_task() {
  ClipData data = read_clip_data(pairs_, model_, train_.seed);
  const Clip model = make_model();
  const auto count = [](const CaptionedImages& part) {
    return fmt::format("{} pictures of {} things", part.size(), part.concepts.size());
  };
  describe(*model, count(data.training), count(data.validation), layout_note(model->options));
  ClipTaskOptions options = pairs_.contrast;
  options.loss = row().loss;
  options.seed = train_.seed;
  auto task = std::make_unique<ClipTask>(model, tokenizer_, preprocessing_for(model->options),
                                         std::move(data), options);
  if (const auto chance = task->chance(); !chance.empty()) {
    const auto percent = [&](const std::string& name) { return 100.0 * chance.at(name); };
    add_fact("guessing",
             fmt::format("recall at 1, 5, 10: {:.2f} %, {:.2f} %, {:.2f} %; names {:.2f} %",
                         percent("recall_at_1"), percent("recall_at_5"), percent("recall_at_10"),
                         percent("zero_shot_accuracy")));
  }
  return task;
}

// Which options fit together.

void ClipTraining::check_options() const {
  check(pairs_, model_.image.image_size);
  if (model_.towers != ClipTowers::kBoth)
    throw std::invalid_argument("towers must be both: one tower alone has nothing to match");
}

void ClipTraining::settle_options() {
  if (row().has_bias && !command().has("has-logit-bias")) model_.has_logit_bias = true;
  if (pairs_.drawn()) {
    const auto* const why = "to --task shapes, which draws its pictures and names them";
    refuse_changed(command(), {"data", "validation-data", "vocab-size"}, why);
    if (!fs::is_directory(tokenizer_options().tokenizer))
      refuse_changed(command(), {"tokenizer"}, why);
  } else {
    refuse_changed(command(), {"shapes", "validation-shapes"}, "without --task shapes");
  }
  if (pairs_.contrast.augment.rand_augment == 0)
    note_changed(command(), {"magnitude"}, "without --rand-augment");
  note_unused(model_.text, command(), "text-");
}

void ClipTraining::check_model() {
  refuse_other_kinds();
  const VitOptions& image = model_.image;
  require_option(image.channels == 3, "image-channels", image.channels,
                 "3: pictures are read in colour");
  require_option(image.image_width == 0 || image.image_width == image.image_size, "image-width",
                 image.image_width, "as --image-size: pictures are cut to squares");
  check(model_);
  const ClipOptions made = resolved(model_);
  if (train_.processes > 1 && pairs_.contrast.chunk > 0 &&
      (drops(made.image) || drops(made.text) || made.text.embedding_dropout > 0.0)) {
    throw UsageError(
        "--chunk with dropout would drop otherwise in several processes than in one; leave out "
        "--chunk (the processes divide the batch already) or the dropout");
  }
}

/// Throws UsageError for options of the other image tower, and of a bias that there is not.
void ClipTraining::refuse_other_kinds() const {
  if (!model_.has_logit_bias)
    refuse_changed(command(), {"logit-bias"}, "without --has-logit-bias or --objective siglip");
  const bool cnn = model_.image_tower == ImageTower::kCnn;
  const std::set<std::string_view> both = {"image-tower", "image-size", "image-width",
                                           "image-channels"};
  std::vector<std::string> others;
  ClipOptions all;
  visit(all, [&](std::string_view name, const auto&, std::string_view) {
    if (cnn ? name.starts_with("image-") && !both.contains(name) : name.starts_with("cnn-"))
      others.emplace_back(name);
  });
  refuse_changed(command(), {others.begin(), others.end()},
                 fmt::format("to --image-tower {}", name_of(model_.image_tower)));
}

}  // namespace zoo
