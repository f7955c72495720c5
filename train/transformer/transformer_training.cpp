#include "train/transformer/transformer_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "app/cli.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "tokenizers/character.h"
#include "tokenizers/training/trainers.h"
#include "train/program/checkpoint_shape.h"
#include "train/program/usage.h"

namespace zoo {
namespace fs = std::filesystem;

TransformerTraining::TransformerTraining()
    : Training({.family = "transformer",
                .description = "Train an encoder-decoder (Vaswani et al. 2017) on pairs of texts.",
                .tokenizer = TokenizerOptions{.tokenizer = "sentencepiece-unigram",
                                              .vocab_size = 8000,
                                              .trained_on = "both sides of the data"},
                .examples = {"train_transformer --config transformer-reverse --out runs/reverse",
                             "train_transformer --config transformer-en-fr --out runs/en-fr"}}) {}

void TransformerTraining::declare_options(CLI::App& app) {
  add_option(app, "Model", "architecture", architecture_,
             "transformer, or recurrent: an LSTM with attention of the same d-model and "
             "encoder-layers");
  add_options(app, "Model", model_);
  add_options(app, "Data", pairs_);
}

// What it can learn. A new objective is a Task and a row here.

std::vector<Objective> TransformerTraining::objectives() {
  return {{.name = "seq2seq",
           .what = "the target of each pair, token by token",
           .lacks_validation =
               [this] {
                 return synthetic() ? lacks_validation(pairs_.synthetic)
                                    : lacks_validation(pairs_.validation);
               },
           .prepare = [this] { prepare(); },
           .make_task = [this](const fs::path&) { return make_pair_task(); }}};
}

// The model.

std::vector<AttentionUse> TransformerTraining::attention() const {
  return {{.kernel = model_.attention,
           .causal = true,
           .dropout = model_.attention_dropout,
           .trains_bias = model_.position == PositionKind::kTransformerXl}};
}

void TransformerTraining::take_model(const fs::path& folder) {
  const std::string found(architecture_in(folder).name);
  if (command().has("architecture") && architecture_ != found) {
    throw UsageError(fmt::format("--architecture cannot be changed: the model in '{}' is {}",
                                 folder.string(), found));
  }
  architecture_ = found;
  take_shape(model_, architecture().read_options(folder), folder, command());
}

void TransformerTraining::check_model() {
  architecture().check(model_);
  const auto lacking = architecture().lacks();
  refuse_changed(command(), {lacking.begin(), lacking.end()},
                 fmt::format("to --architecture {}", architecture_));
}

static torch::nn::Module& module_of(std::unique_ptr<TranslationModel>& model) {
  return model->module();
}

NameMap TransformerTraining::names_on_disk() const { return task_->translation_model().name_map(); }

// The pairs.

void TransformerTraining::prepare() {
  const auto files = [&](const std::string& data) {
    return parallel_files(data, pairs_.source, pairs_.target);
  };
  if (synthetic() && !fs::is_directory(tokenizer_options().tokenizer)) {
    tokenizer_ = std::make_shared<CharacterTokenizer>(synthetic_alphabet(pairs_.synthetic),
                                                      CharacterSpecials{.sequence = true});
    return;
  }
  if (!synthetic()) {  // one clear error where there are none
    files(pairs_.data);
    if (!pairs_.validation.path.empty()) files(pairs_.validation.path);
  }
  tokenizer_ = make_tokenizer(tokenizer_options(), [&](const TokenizerTraining& options) {
    return train_tokenizer(options, files(pairs_.data));
  });
  pair_ids(*tokenizer_);  // one clear error where it has no end-of-text token
}

ParallelText TransformerTraining::read_text(bool validation) const {
  if (synthetic()) return synthetic_text(pairs_.synthetic, validation, train_.seed);
  const std::string& data = validation ? pairs_.validation.path : pairs_.data;
  return data.empty() ? ParallelText() : read_parallel_text(data, pairs_.source, pairs_.target);
}

// The objective.

std::unique_ptr<Task> TransformerTraining::make_pair_task() {
  // 0: no limit but that of what is trained on.
  const int64_t context = model_.context > 0 ? model_.context : pairs_.max_tokens;
  // The source ends with one token more than its text, and so does the target.
  const CleaningOptions rules{.longest = std::min(pairs_.max_tokens, context),
                              .max_ratio = pairs_.max_ratio,
                              .duplicates = pairs_.keep_duplicates};
  // Nothing is dropped from what is measured, but for what the model cannot read.
  const CleaningOptions measured{.longest = context, .duplicates = true};
  const PostTemplate around = training_format(*tokenizer_, pair_ids(*tokenizer_)).source;
  const PairTokenizers tokenizers{.source = *tokenizer_, .target = *tokenizer_, .around = around};
  CleaningReport training, validation;
  PairData data{.validation_text = read_text(/*validation=*/true)};
  data.training = encode_pairs(read_text(/*validation=*/false), tokenizers, rules, training);
  data.validation = encode_pairs(data.validation_text, tokenizers, measured, validation);
  if (data.training.size() == 0)
    throw std::runtime_error(fmt::format("no pair is left to train on: {}", training.text(rules)));

  model_.vocab_size = vocabulary_for(*tokenizer_, model_.vocab_size, command());
  if (command().source().empty()) model_.source_vocab_size = model_.vocab_size;
  auto model = build([&] { return architecture().make(model_); },
                     [](auto& made, const fs::path& folder) { made->load_weights(folder); });
  describe(model->module(), training.text(rules), validation.text(measured), model->layout_note());
  auto task = std::make_unique<TransformerTask>(std::move(model), tokenizer_, std::move(data),
                                                pairs_.task, train_.seed);
  add_fact("padding", fmt::format("{:.1f} % of a batch", 100.0 * task->padding_share()));
  task_ = task.get();
  return task;
}

// Which options fit together.

void TransformerTraining::check_options() const {
  const PairTaskOptions& task = pairs_.task;
  architecture();  // throws for an unknown one
  require_option(task.batch_tokens >= 1, "batch-tokens", task.batch_tokens, "1 or more");
  require_probability("label-smoothing", task.label_smoothing);
  require_option(task.decode_pairs >= 0, "decode-pairs", task.decode_pairs, "0 or more");
  require_option(pairs_.max_tokens >= 2, "max-tokens", pairs_.max_tokens, "2 or more");
  require_option(pairs_.max_ratio == 0.0 || pairs_.max_ratio >= 1.0, "max-ratio", pairs_.max_ratio,
                 "0, or 1 or more");
  check(pairs_.synthetic);
}

void TransformerTraining::settle_options() {
  note_unused(model_, command());
  pairs_.task.exact = synthetic();
  if (!synthetic()) {
    refuse_changed(command(), task_options(), "without --task");
    if (pairs_.validation.path.empty())
      note_changed(command(), {"decode-pairs"}, "without --validation-data");
    pairs_.task.source_language = pairs_.source;
    pairs_.task.target_language = pairs_.target;
    return;
  }
  refuse_changed(
      command(),
      {"data", "validation-data", "source", "target", "vocab-size", "max-ratio", "keep-duplicates"},
      "to --task, which makes its own pairs");
  if (!fs::is_directory(tokenizer_options().tokenizer))
    refuse_changed(command(), {"tokenizer"}, "to --task, which has its own symbols");
}

}  // namespace zoo
