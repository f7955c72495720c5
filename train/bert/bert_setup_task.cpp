// The second half of train_bert's set-up: data, model and task, by the objective.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "models/bert/electra.h"
#include "models/device.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/bert/bert_names.h"
#include "train/bert/bert_setup.h"
#include "train/bert/electra_task.h"
#include "train/program/setup.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

std::string described(const SentenceExamples& examples) {
  return fmt::format("{} sequences, {} tokens", examples.size(), examples.ids.tokens());
}

std::string described(const ClassifierExamples& examples) {
  std::string text = fmt::format("{} texts, {} tokens", examples.size(), examples.tokens());
  if (const int64_t cut = examples.cut(); cut > 0)
    text += fmt::format("; {} cut at the context", cut);
  if (examples.passed_over > 0)
    text += fmt::format("; {} passed over, without a word to label", examples.passed_over);
  return text;
}

/// The labels of the checkpoint that the command starts from, where it has the objective's
/// classifier.
KnownLabels known_labels(const TrainCommand& command, BertTask task) {
  KnownLabels known{.names = {}, .fixed = command.init_from.empty() && !command.source().empty()};
  if (command.source().empty()) return known;
  const BertConfig config = read_bert_config(shape_source(command));
  if (config.model.task == task) known.names = config.labels;
  return known;
}

}  // namespace

BertDataOptions BertTraining::data_options() const {
  const BertTextOptions& o = options_.text;
  return {.data = o.data,
          .validation_data = o.validation_data,
          .validation_share = o.validation_share,
          .objective = o.task.objective,
          .context = options_.model.context,
          .seed = options_.train.seed};
}

/// The model's options with the vocabulary of tokenizer or checkpoint; seeds the weights to come.
BertOptions BertTraining::new_shape(const TrainCommand& command) const {
  set_threads(options_.train.threads);
  BertOptions shape = options_.model;
  if (command.source().empty()) shape.vocab_size = tokenizer_->vocab_size();
  check_tokenizer_fits(tokenizer_->vocab_size(), shape.vocab_size, command.source());
  torch::manual_seed(options_.train.seed);
  return shape;
}

/// What a checkpoint could not give: worth a line, and nothing to measure.
void BertTraining::note_new_parts(const TrainCommand& command, const std::set<std::string>& parts) {
  if (parts.empty()) return;
  const auto objective = name_of(options_.text.task.objective);
  if (!command.evaluate_only.empty()) {
    throw std::runtime_error(fmt::format("'{}' has no {} for --objective {}: train it first",
                                         command.evaluate_only, fmt::join(parts, ", "), objective));
  }
  facts_.emplace_back("new", fmt::format("{}: '{}' has none for this objective and its labels",
                                         fmt::join(parts, ", "), command.init_from));
}

BertTaskModel BertTraining::make_model(const TrainCommand& command,
                                       const std::vector<std::string>& labels) {
  const BertTask task = task_of(options_.text.task.objective);
  BertTaskOptions options{.bert = new_shape(command), .task = task};
  if (!labels.empty()) options.labels = std::ssize(labels);
  BertTaskModel model(options);
  // A resumed run's weights come with its state.
  if (command.resume.empty() && !command.source().empty()) {
    const bool other_labels = known_labels(command, task).names != labels;
    note_new_parts(command,
                   load_bert_weights(model, checkpoint_of(command.source()), other_labels));
  }
  model->to(find_device(options_.train.device));
  return model;
}

void BertTraining::add_facts(const torch::nn::Module& model, const std::string& training,
                             const std::string& validation) {
  const Facts facts = {
      {"parameters", parameter_count(model)},
      {"vocabulary", fmt::format("{} ({})", tokenizer_->vocab_size(), tokenizer_->kind())},
      {"training", training},
      {"validation", validation},
      {"device", describe_device(model.parameters().front().device())}};
  facts_.insert(facts_.end(), facts.begin(), facts.end());
}

std::unique_ptr<Task> BertTraining::make_pre_training(const TrainCommand& command) {
  auto data = read_pre_training_data(data_options(), *tokenizer_);
  model_ = make_model(command, {});
  add_facts(*model_, described(data.training), described(data.validation));
  const bool measures = data.validation.size() > 0;
  PreTrainingOptions options = options_.text.task;
  options.batches.seed = options_.train.seed;
  options.batches.masking.always_mask = options.objective == BertObjective::kPermutedLm;
  auto task = std::make_unique<BertPreTraining>(model_, tokenizer_, std::move(data), options);
  if (measures) {
    // What the training text's frequencies alone get right of the masked words.
    facts_.emplace_back("unigram_loss", fmt::format("{:.4f}", task->unigram().loss));
    facts_.emplace_back("unigram_accuracy", fmt::format("{:.4f}", task->unigram().accuracy));
  }
  return task;
}

std::unique_ptr<Task> BertTraining::make_electra(const TrainCommand& command) {
  auto data = read_pre_training_data(data_options(), *tokenizer_);
  const BertOptions shape = new_shape(command);
  Electra model(shape, electra_generator(shape, options_.text.generator_share));
  if (command.resume.empty() && !command.source().empty())
    note_new_parts(command, load_electra_weights(model, checkpoint_of(command.source())));
  model->to(find_device(options_.train.device));
  add_facts(*model, described(data.training), described(data.validation));
  ReplacedTokenOptions options{.batches = options_.text.task.batches,
                               .detection_weight = options_.text.detection_weight};
  options.batches.seed = options_.train.seed;
  options.batches.masking.always_mask = true;
  return std::make_unique<ElectraPreTraining>(model, tokenizer_, std::move(data.training),
                                              data.validation, options);
}

std::unique_ptr<Task> BertTraining::make_classifier(const TrainCommand& command) {
  const auto known = known_labels(command, task_of(options_.text.task.objective));
  auto data = read_classifier_data(data_options(), *tokenizer_, known);
  model_ = make_model(command, data.labels);
  add_facts(*model_, described(data.training), described(data.validation));
  facts_.emplace_back("labels", fmt::format("{}", data.labels.size()));
  const bool measures = data.validation.size() > 0;
  auto task = std::make_unique<BertClassifierTask>(
      model_, tokenizer_, std::move(data),
      ClassifierTaskOptions{.rows = options_.text.task.batches.rows, .seed = options_.train.seed});
  facts_.emplace_back("padding", fmt::format("{:.1f} % of a batch", 100.0 * task->padding_share()));
  if (measures)
    facts_.emplace_back("most_frequent", fmt::format("{:.4f}", task->majority_accuracy()));
  return task;
}

std::unique_ptr<Task> BertTraining::make_task(const TrainCommand& command,
                                              const fs::path& new_run) {
  const bool labelled = classifies(options_.text.task.objective);
  if (new_run.empty()) {
    tokenizer_ = load_tokenizer(shape_source(command));
    if (!labelled) check_roles(*tokenizer_);
  }
  facts_.clear();
  if (labelled) return make_classifier(command);
  const bool electra = options_.text.task.objective == BertObjective::kReplacedTokens;
  return electra ? make_electra(command) : make_pre_training(command);
}

std::function<void(torch::nn::Module&, double)> BertTraining::gradient_dump(
    const fs::path& file) const {
  const BertTaskOptions options = model_->options;
  return dump_gradients([options] { return BertTaskModel(options).ptr(); }, bert_name_map(options),
                        file);
}

}  // namespace zoo
