#include "train/bert/bert_training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "app/cli.h"
#include "base/usage_error.h"
#include "models/bert/electra.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/bert/bert_names.h"
#include "tokenizers/training/trainers.h"
#include "train/bert/electra_task.h"
#include "train/data/text_corpus.h"
#include "train/program/checkpoint_shape.h"
#include "train/program/table.h"

namespace zoo {
namespace fs = std::filesystem;

BertTraining::BertTraining()
    : Training({.family = "bert",
                .description = "Train a BERT (Devlin et al. 2018) or one of its relatives on the "
                               "sentences of a text.",
                // The kind that has the tokens [CLS], [SEP] and [MASK].
                .tokenizer = TokenizerOptions{.tokenizer = "wordpiece",
                                              .vocab_size = 8000,
                                              .kinds = {TokenizerKind::kWordPiece}},
                .examples = {
                    "train_bert --config bert-demo --out runs/bert",
                    "train_bert --config bert-genres --init-from runs/bert --out runs/genres"}}) {}

void BertTraining::declare_options(CLI::App& app) {
  add_options(app, "Model", model_);
  add_options(app, "Data", text_);
}

// What a BERT can learn. A new objective is a Task and a row here.

const std::vector<BertTraining::Row>& BertTraining::rows() {
  static const std::vector<std::string_view> masks = {"mask-share", "whole-words", "static-masks",
                                                      "dump-gradients"};
  static const std::vector<std::string_view> labels = {"validation-data", "dump-gradients"};
  static const std::vector<BertFamily> with_pairs = {BertFamily::kBert, BertFamily::kAlbert};
  static const std::vector<Row> rows = {{.name = "masked-lm",
                                         .what = "masked words",
                                         .heads = BertTask::kMaskedLm,
                                         .options = masks,
                                         .make_task = &BertTraining::masked_lm},
                                        {.name = "masked-lm-nsp",
                                         .what = "masked words, and whether a text follows another",
                                         .heads = BertTask::kPreTraining,
                                         .options = masks,
                                         .make_task = &BertTraining::masked_lm,
                                         .pairs = SentencePairs::kNextOrRandom,
                                         .families = with_pairs},
                                        {.name = "masked-lm-sop",
                                         .what = "masked words, and the order of two texts",
                                         .heads = BertTask::kPreTraining,
                                         .options = masks,
                                         .make_task = &BertTraining::masked_lm,
                                         .pairs = SentencePairs::kInOrderOrSwapped,
                                         .families = with_pairs},
                                        {.name = "permuted-lm",
                                         .what = "words in a random order",
                                         .heads = BertTask::kMaskedLm,
                                         .options = masks,
                                         .make_task = &BertTraining::permuted_lm},
                                        {.name = "replaced-tokens",
                                         .what = "which words a generator replaced",
                                         .heads = BertTask::kPreTraining,
                                         // No dump-gradients: there are two networks.
                                         .options = {"mask-share", "whole-words", "static-masks",
                                                     "generator-share", "detection-weight"},
                                         .make_task = &BertTraining::replaced_tokens,
                                         .families = {BertFamily::kElectra}},
                                        {.name = "classify-text",
                                         .what = "a label for each text or pair of texts",
                                         .heads = BertTask::kClassifyText,
                                         .options = labels,
                                         .make_task = &BertTraining::classify_text,
                                         .labelled = true},
                                        {.name = "classify-tokens",
                                         .what = "a label for each word",
                                         .heads = BertTask::kClassifyTokens,
                                         .options = labels,
                                         .make_task = &BertTraining::classify_tokens,
                                         .labelled = true}};
  return rows;
}

const BertTraining::Row& BertTraining::row() const {
  return find_row(rows(), "objective", objective().name);
}

std::vector<Objective> BertTraining::objectives() {
  std::vector<Objective> table;
  for (const Row& row : rows()) {
    table.push_back(
        {.name = row.name,
         .what = row.what,
         .options = row.options,
         .lacks_validation =
             [this] {
               return text_.validation_data.path.empty() ? lacks_validation(text_.validation) : "";
             },
         .prepare = [this] { prepare(); },
         .make_task = [this, &row](const fs::path&) { return (this->*row.make_task)(); }});
  }
  return table;
}

// The model.

std::vector<AttentionUse> BertTraining::attention() const {
  return {{.kernel = model_.attention,
           .causal = false,
           .dropout = model_.attention_dropout,
           .trains_bias = model_.position == PositionKind::kTransformerXl}};
}

void BertTraining::take_model(const fs::path& folder) {
  auto taken = resolved(read_bert_config(folder).options.bert);
  taken.pooler = model_.pooler;
  model_.position_padding = taken.position_padding;
  take_shape(model_, taken, folder, command());
}

BertTaskModel BertTraining::make_model(const std::vector<std::string>& labels) {
  model_.vocab_size = vocabulary_for(*tokenizer_, model_.vocab_size, command());
  BertTaskOptions options{.bert = model_, .task = row().heads};
  if (!labels.empty()) options.labels = std::ssize(labels);
  return build([&] { return BertTaskModel(options); },
               [&](BertTaskModel& model, const fs::path& folder) {
                 const bool other_labels = known_labels().names != labels;
                 note_new_parts(load_bert_weights(model, folder, other_labels));
               });
}

/// What a checkpoint could not give: worth a line, and nothing to evaluate.
void BertTraining::note_new_parts(const std::set<std::string>& parts) {
  if (parts.empty()) return;
  const auto missing = fmt::format("{}", fmt::join(parts, ", "));
  if (!command().evaluate_only.empty()) {
    throw std::runtime_error(fmt::format("'{}' has no {} for --objective {}: train it first",
                                         command().evaluate_only, missing, row().name));
  }
  add_fact("new", fmt::format("{}: '{}' has none for this objective and its labels", missing,
                              command().init_from));
}

NameMap BertTraining::names_on_disk() const { return bert_name_map(trained_->options); }

// The data.

void BertTraining::prepare() {
  const auto files = text_files(text_.data);  // one clear error where there are none
  tokenizer_ = make_tokenizer(tokenizer_options(), [&](const TokenizerTraining& options) {
    return train_tokenizer(options, files);
  });
  if (!row().labelled) check_roles(*tokenizer_);
}

BertDataOptions BertTraining::data_options() const {
  return {.data = text_.data,
          .validation_data = text_.validation_data.path,
          .validation_share = text_.validation.share,
          .pairs = row().pairs,
          .context = model_.context,
          .seed = train_.seed};
}

/// The labels of the checkpoint that the command starts from, where it has the objective's
/// classifier.
KnownLabels BertTraining::known_labels() const {
  KnownLabels known{.fixed = command().init_from.empty() && !command().source().empty()};
  if (command().source().empty()) return known;
  const BertConfig config = read_bert_config(command().checkpoint());
  if (config.options.task == row().heads) known.names = config.labels;
  return known;
}

// The objectives.

std::unique_ptr<Task> BertTraining::make_sentence_task(bool permuted) {
  auto data = read_pre_training_data(data_options(), *tokenizer_);
  trained_ = make_model();
  describe(*trained_, description_of(data.training), description_of(data.validation),
           layout_note(model_));
  const bool validates = data.validation.size() > 0;
  PreTrainingOptions options{.pairs = row().pairs, .permuted = permuted, .batches = text_.batches};
  options.batches.seed = train_.seed;
  options.batches.masking.always_mask = permuted;
  auto task = std::make_unique<BertPreTraining>(trained_, tokenizer_, std::move(data), options);
  if (validates) {
    // What the training text's frequencies alone get right of the masked words.
    add_fact("unigram_loss", fmt::format("{:.4f}", task->unigram().loss));
    add_fact("unigram_accuracy", fmt::format("{:.4f}", task->unigram().accuracy));
  }
  return task;
}

std::unique_ptr<Task> BertTraining::replaced_tokens() {
  auto data = read_pre_training_data(data_options(), *tokenizer_);
  model_.vocab_size = vocabulary_for(*tokenizer_, model_.vocab_size, command());
  const Electra model =
      build([&] { return Electra(model_, electra_generator(model_, text_.generator_share)); },
            [&](Electra& made, const fs::path& folder) {
              note_new_parts(load_electra_weights(made, folder));
            });
  describe(*model, description_of(data.training), description_of(data.validation),
           layout_note(model_));
  ReplacedTokenOptions options{.batches = text_.batches,
                               .detection_weight = text_.detection_weight};
  options.batches.seed = train_.seed;
  options.batches.masking.always_mask = true;
  return std::make_unique<ElectraPreTraining>(model, tokenizer_, std::move(data.training),
                                              data.validation, options);
}

std::unique_ptr<Task> BertTraining::classify_text() {
  return make_classifier(read_text_labels(data_options(), *tokenizer_, known_labels()));
}

std::unique_ptr<Task> BertTraining::classify_tokens() {
  return make_classifier(read_word_labels(data_options(), *tokenizer_, known_labels()));
}

std::unique_ptr<Task> BertTraining::make_classifier(ClassifierData data) {
  trained_ = make_model(data.labels);
  describe(*trained_, description_of(data.training), description_of(data.validation),
           layout_note(model_));
  add_fact("labels", fmt::format("{}", data.labels.size()));
  const bool validates = data.validation.size() > 0;
  auto task = std::make_unique<BertClassifierTask>(
      trained_, tokenizer_, std::move(data),
      ClassifierTaskOptions{.rows = text_.batches.rows, .seed = train_.seed});
  add_fact("padding", fmt::format("{:.1f} % of a batch", 100.0 * task->padding_share()));
  if (validates) add_fact("most_frequent", fmt::format("{:.4f}", task->majority_accuracy()));
  return task;
}

}  // namespace zoo
