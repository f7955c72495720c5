// The order of checks: what the command line alone can get wrong comes first, then folders and
// text, then the model.
#include "train/bert/bert_setup.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "app/cli.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/device.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "tokenizers/training/trainers.h"
#include "train/data/text_corpus.h"
#include "train/program/model_memory.h"
#include "train/program/setup.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

void check(const BertTextOptions& o) {
  require_option(o.task.batches.rows >= 1, "batch-size", o.task.batches.rows, "1 or more");
  require_option(o.task.batches.masking.share > 0.0 && o.task.batches.masking.share < 1.0,
                 "mask-share", o.task.batches.masking.share, "in (0, 1)");
  require_option(o.validation_share >= 0.0 && o.validation_share < 1.0, "validation-share",
                 o.validation_share, "in [0, 1)");
  require_option(o.vocab_size >= 0, "vocab-size", o.vocab_size, "0 or more");
  require_option(o.generator_share > 0.0 && o.generator_share <= 1.0, "generator-share",
                 o.generator_share, "in (0, 1]");
  require_option(std::isfinite(o.detection_weight) && o.detection_weight >= 0.0, "detection-weight",
                 o.detection_weight, "0 or more");
}

/// Whether the model can learn the objective.
void check(const BertOptions& model, BertObjective objective) {
  check(model);
  if (model.context < 8) {
    throw std::invalid_argument(
        fmt::format("--context must be 8 or more to hold sentences, got {}", model.context));
  }
  if (objective == BertObjective::kReplacedTokens && model.family != BertFamily::kElectra) {
    throw std::invalid_argument(fmt::format("--objective {} needs --family electra, got {}",
                                            name_of(objective), name_of(model.family)));
  }
  if (!has_pairs(objective)) return;
  if (model.family != BertFamily::kBert && model.family != BertFamily::kAlbert) {
    throw std::invalid_argument(fmt::format("--objective {} needs --family bert or albert, got {}",
                                            name_of(objective), name_of(model.family)));
  }
  if (model.segments < 2) {
    throw std::invalid_argument(fmt::format("--objective {} needs --segments 2 or more, got {}",
                                            name_of(objective), model.segments));
  }
}

std::shared_ptr<const Tokenizer> make_tokenizer(const BertTextOptions& text) {
  if (fs::is_directory(text.tokenizer)) return load_tokenizer(text.tokenizer);
  if (text.tokenizer != name_of(TokenizerKind::kWordPiece)) {
    throw UsageError(fmt::format(
        "--tokenizer {}: no such folder, and the kind to train here is wordpiece, which has the "
        "tokens [CLS], [SEP] and [MASK]",
        text.tokenizer));
  }
  return train_tokenizer({.kind = TokenizerKind::kWordPiece, .vocab_size = text.vocab_size},
                         text_files(text.data));
}

/// Whether there is a pooler follows from the objective.
void settle_pooler(BertRunOptions& o, const TrainCommand& command) {
  const bool needed = needs_pooler({.bert = o.model, .task = task_of(o.text.task.objective)});
  if (command.has("pooler") && o.model.pooler != needed) {
    throw UsageError(fmt::format("--objective {} {} a pooler: leave --pooler out",
                                 name_of(o.text.task.objective),
                                 needed ? "needs" : "has no use for"));
  }
  o.model.pooler = needed;
}

/// RoBERTa's places count from the padding token's id, which is the tokenizer's.
void settle_position_padding(BertRunOptions& o, const TrainCommand& command) {
  int64_t padding = 0;  // where [PAD] stands in a tokenizer that is trained here
  if (fs::is_directory(o.text.tokenizer))
    padding = load_tokenizer(o.text.tokenizer)->pad_id().value_or(0);
  if (command.has("position-padding") && o.model.position_padding != padding) {
    throw UsageError(fmt::format(
        "--position-padding must be the id of the tokenizer's padding token, {}, got {}", padding,
        o.model.position_padding));
  }
  o.model.position_padding = padding;
}

/// Options that the objective gives no meaning are refused.
void check_objective_options(const BertTextOptions& o, const TrainCommand& command) {
  const BertTextOptions unset;
  if (brings_tokenizer(o.tokenizer, command))
    note_changed(command, o, {"vocab-size"}, kBroughtTokenizer);
  const auto refuse = [&](std::string_view option, std::string_view why) {
    throw UsageError(fmt::format("--{} does not go with --objective {}: {}", option,
                                 name_of(o.task.objective), why));
  };
  if (o.task.objective != BertObjective::kReplacedTokens) {
    if (o.generator_share != unset.generator_share) refuse("generator-share", "there is none");
    if (o.detection_weight != unset.detection_weight) refuse("detection-weight", "there is none");
  } else if (!command.dump_gradients.empty()) {
    refuse("dump-gradients", "it writes those of one network");
  }
  if (!classifies(o.task.objective)) {
    if (!o.validation_data.empty())
      refuse("validation-data",
             "the last sentences of --data are measured; set --validation-share");
    return;
  }
  const auto& masking = o.task.batches.masking;
  if (masking.share != unset.task.batches.masking.share) refuse("mask-share", "nothing is masked");
  if (masking.whole_words) refuse("whole-words", "nothing is masked");
  if (o.task.batches.static_masks) refuse("static-masks", "nothing is masked");
  if (!o.validation_data.empty() && command.has("validation-share") &&
      o.validation_share != unset.validation_share)
    throw UsageError("--validation-data and --validation-share exclude each other");
}

}  // namespace

std::string BertTraining::description() const {
  return "Train a BERT (Devlin et al. 2018) or one of its relatives on the sentences of a text.";
}

void BertTraining::declare(CLI::App& app) {
  add_options(app, "Model", options_.model);
  add_options(app, "Data", options_.text);
  add_options(app, "Training", options_.train);
}

void BertTraining::apply_preset(const std::string& preset) {
  options_.model = BertOptions::preset(preset);
}

void BertTraining::resolve(const TrainCommand& command) {
  auto& o = options_;
  check_usage([&] {
    check(o.train);
    check(o.text);
    check_kernel(o.model.attention, /*causal=*/false, o.model.attention_dropout,
                 find_device(o.train.device));
    if (o.train.patience > 0 && o.text.validation_share == 0.0 && o.text.validation_data.empty())
      throw std::invalid_argument(
          "--patience needs validation text: set --validation-share above 0");
  });
  check_objective_options(o.text, command);
  note_unused(o.train, command);
  settle_length(o.train, command);
  settle_pooler(o, command);
  if (o.model.family == BertFamily::kAlbert && o.model.embedding_width == 0)
    o.model.embedding_width = std::min<int64_t>(128, o.model.d_model);  // Lan et al. 2019, Table 3
  if (!command.source().empty()) {
    const fs::path folder = shape_source(command);
    auto taken = resolved(read_bert_config(folder).model.bert);
    taken.pooler = o.model.pooler;
    o.model.position_padding = taken.position_padding;
    take_shape(o.model, taken, folder, command,
               [](BertOptions& options, const auto&) { options = resolved(options); });
    o.text.tokenizer = settled_tokenizer(o.text.tokenizer, folder, command);
  } else if (o.model.family == BertFamily::kRoberta) {
    settle_position_padding(o, command);
  }
  check_usage([&] { check(o.model, o.text.task.objective); });
  check_memory(need_of(o.model), o.train, command);
}

void BertTraining::prepare() {
  text_files(options_.text.data);  // one clear error where there are none
  tokenizer_ = make_tokenizer(options_.text);
  if (!classifies(options_.text.task.objective)) check_roles(*tokenizer_);
}

}  // namespace zoo
