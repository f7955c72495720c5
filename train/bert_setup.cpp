// The order of checks: what the command line alone can get wrong comes first, then folders and
// text, then the model.
#include "train/bert_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "app/cli.h"
#include "app/option_checks.h"
#include "app/run_app.h"
#include "models/device.h"
#include "models/pretrained/bert_checkpoint.h"
#include "models/pretrained/bert_names.h"
#include "tokenizers/training/trainers.h"
#include "train/data/text_corpus.h"
#include "train/run_folder.h"
#include "train/setup.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kShownSentences = 3;

bool has_pairs(BertObjective objective) { return objective != BertObjective::kMaskedLm; }

BertTask task_of(BertObjective objective) {
  return has_pairs(objective) ? BertTask::kPreTraining : BertTask::kMaskedLm;
}

SentencePairs pairs_of(BertObjective objective) {
  switch (objective) {
    case BertObjective::kMaskedLm:
      return SentencePairs::kNone;
    case BertObjective::kMaskedLmNsp:
      return SentencePairs::kNextOrRandom;
    case BertObjective::kMaskedLmSop:
      return SentencePairs::kInOrderOrSwapped;
  }
  return SentencePairs::kNone;
}

void check(const BertTextOptions& o) {
  require_option(o.task.batches.rows >= 1, "batch-size", o.task.batches.rows, "1 or more");
  require_option(o.task.batches.masking.share > 0.0 && o.task.batches.masking.share < 1.0,
                 "mask-share", o.task.batches.masking.share, "in (0, 1)");
  require_option(o.validation_share >= 0.0 && o.validation_share < 1.0, "validation-share",
                 o.validation_share, "in [0, 1)");
  require_option(o.vocab_size >= 0, "vocab-size", o.vocab_size, "0 or more");
}

/// Whether the model can learn the objective.
void check(const BertOptions& model, BertObjective objective) {
  check(model);
  if (model.context < 8) {
    throw std::invalid_argument(
        fmt::format("--context must be 8 or more to hold sentences, got {}", model.context));
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

void check_roles(const Tokenizer& tokenizer) {
  MaskingVocabulary{tokenizer};
  if (tokenizer.cls_id() && tokenizer.sep_id() && tokenizer.pad_id()) return;
  throw std::runtime_error(fmt::format(
      "the {} tokenizer lacks one of the tokens that begin, end and fill a sequence ([CLS], [SEP], "
      "[PAD]); train one with --tokenizer wordpiece",
      tokenizer.kind()));
}

/// Whether there is a pooler follows from the objective.
void settle_pooler(BertRunOptions& o, const TrainCommand& command) {
  const bool needed = has_pairs(o.text.task.objective);
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

Sentences first_of(const Sentences& sentences, int64_t begin, int64_t count) {
  Sentences first;
  for (int64_t i = begin; i < std::min(begin + count, sentences.size()); ++i) {
    first.ids.append(sentences.ids.at(i));
    first.words.append(sentences.words.at(i));
  }
  return first;
}

std::string describe(const SentenceExamples& examples) {
  return fmt::format("{} sequences, {} tokens", examples.size(), examples.ids.tokens());
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
    if (o.train.patience > 0 && o.text.validation_share == 0.0)
      throw std::invalid_argument(
          "--patience needs validation text: set --validation-share above 0");
  });
  settle_length(o.train, command);
  settle_pooler(o, command);
  if (!command.source().empty()) {
    const fs::path folder = shape_source(command);
    auto taken = resolved(read_bert_config(folder).model.bert);
    taken.pooler = o.model.pooler;
    o.model.position_padding = taken.position_padding;
    take_shape(o.model, taken, folder, command,
               [](BertOptions& options, const auto&) { options = resolved(options); });
    o.text.tokenizer = folder.string();
  } else if (o.model.family == BertFamily::kRoberta) {
    settle_position_padding(o, command);
  }
  check_usage([&] { check(o.model, o.text.task.objective); });
}

void BertTraining::prepare() {
  text_files(options_.text.data);  // one clear error where there are none
  tokenizer_ = make_tokenizer(options_.text);
  check_roles(*tokenizer_);
}

PreTrainingData BertTraining::read_data() const {
  const BertTextOptions& o = options_.text;
  const Sentences all = read_sentences(text_files(o.data), *tokenizer_);
  const auto measured = static_cast<int64_t>(o.validation_share * static_cast<double>(all.size()));
  const int64_t border = all.size() - measured;
  const PackingOptions packing{.context = options_.model.context,
                               .pairs = pairs_of(o.task.objective),
                               .seed = options_.train.seed};
  PreTrainingData data{.training = pack_sentences(all, 0, border, *tokenizer_, packing),
                       .validation = pack_sentences(all, border, all.size(), *tokenizer_, packing),
                       .shown = first_of(all, border, kShownSentences)};
  const bool lacks_validation = o.validation_share > 0.0 && data.validation.size() == 0;
  if (data.training.size() == 0 || lacks_validation) {
    throw std::runtime_error(
        fmt::format("'{}' is too short: {} sentences are no sequence to {}; use a longer text{}",
                    o.data, data.training.size() == 0 ? border : measured,
                    data.training.size() == 0 ? "train on" : "measure with",
                    lacks_validation ? ", or --validation-share 0" : ""));
  }
  return data;
}

BertTaskModel BertTraining::make_model(const TrainCommand& command) const {
  set_threads(options_.train.threads);
  const auto device = find_device(options_.train.device);
  BertOptions shape = options_.model;
  if (command.source().empty()) shape.vocab_size = tokenizer_->vocab_size();
  check_tokenizer_fits(tokenizer_->vocab_size(), shape.vocab_size, command.source());
  torch::manual_seed(options_.train.seed);
  BertTaskModel model(
      BertTaskOptions{.bert = shape, .task = task_of(options_.text.task.objective)});
  // A resumed run's weights come with its state.
  if (command.resume.empty() && !command.source().empty())
    load_bert_weights(model, checkpoint_of(command.source()));
  model->to(device);
  return model;
}

std::unique_ptr<Task> BertTraining::make_task(const TrainCommand& command,
                                              const fs::path& new_run) {
  if (new_run.empty()) {
    tokenizer_ = load_tokenizer(shape_source(command));
    check_roles(*tokenizer_);
  }
  auto data = read_data();
  model_ = make_model(command);
  facts_ = {{"parameters", parameter_count(*model_)},
            {"vocabulary", fmt::format("{} ({})", tokenizer_->vocab_size(), tokenizer_->kind())},
            {"training", describe(data.training)},
            {"validation", describe(data.validation)},
            {"device", describe_device(model_->parameters().front().device())}};
  const bool measures = data.validation.size() > 0;
  PreTrainingOptions options = options_.text.task;
  options.batches.seed = options_.train.seed;
  auto task = std::make_unique<BertPreTraining>(model_, tokenizer_, std::move(data), options);
  if (measures) {
    // What the training text's frequencies alone get right of the masked words.
    facts_.emplace_back("unigram_loss", fmt::format("{:.4f}", task->unigram().loss));
    facts_.emplace_back("unigram_accuracy", fmt::format("{:.4f}", task->unigram().accuracy));
  }
  return task;
}

std::function<void(torch::nn::Module&, double)> BertTraining::gradient_dump(
    const fs::path& file) const {
  const BertTaskOptions options = model_->options;
  return dump_gradients([options] { return BertTaskModel(options).ptr(); }, bert_name_map(options),
                        file);
}

}  // namespace zoo
