// The order of checks: what the command line alone can get wrong comes first, then folders and
// text, then the model.
#include "train/transformer/transformer_setup.h"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <stdexcept>

#include "app/cli.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/device.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "tokenizers/character.h"
#include "tokenizers/training/trainers.h"
#include "train/program/model_memory.h"
#include "train/program/setup.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

bool synthetic(const PairTextOptions& text) { return text.synthetic.task != SyntheticTask::kNone; }

/// The recurrent baseline takes those of the Transformer's options that it has.
RecurrentOptions recurrent_options(const TransformerOptions& o) {
  return {.vocab_size = o.vocab_size,
          .source_vocab_size = o.source_vocab_size,
          .context = o.context,
          .layers = o.encoder_layers,
          .d_model = o.d_model,
          .share_embeddings = o.share_embeddings,
          .tie_embeddings = o.tie_embeddings,
          .dropout = o.dropout};
}

TransformerOptions options_of_recurrent(const RecurrentOptions& r) {
  TransformerOptions o;
  o.vocab_size = r.vocab_size;
  o.source_vocab_size = r.source_vocab_size;
  o.context = r.context;
  o.encoder_layers = r.layers;
  o.d_model = r.d_model;
  o.share_embeddings = r.share_embeddings;
  o.tie_embeddings = r.tie_embeddings;
  o.dropout = r.dropout;
  return o;
}

/// Throws UsageError where the user set one of the Transformer's options that the recurrent
/// baseline has not. A recipe of a Transformer's, whose values are the usual ones, is welcome.
void check_recurrent(TransformerOptions model, const TrainCommand& command) {
  check(recurrent_options(model));
  std::set<std::string, std::less<>> known = {"encoder-layers"};
  RecurrentOptions recurrent;
  visit(recurrent, [&](std::string_view name, auto&, std::string_view) { known.emplace(name); });
  TransformerOptions usual;
  visit_both(model, usual, [&](std::string_view name, const auto& value, const auto& otherwise) {
    if (known.contains(name) || !command.has(name) || value == otherwise) return;
    throw UsageError(
        fmt::format("--{} means nothing to --architecture recurrent; leave it out", name));
  });
}

void check(const PairTextOptions& o) {
  require_option(o.task.batch_tokens >= 1, "batch-tokens", o.task.batch_tokens, "1 or more");
  require_option(o.task.label_smoothing >= 0.0 && o.task.label_smoothing < 1.0, "label-smoothing",
                 o.task.label_smoothing, "in [0, 1)");
  require_option(o.task.decode_pairs >= 0, "decode-pairs", o.task.decode_pairs, "0 or more");
  require_option(o.vocab_size >= 0, "vocab-size", o.vocab_size, "0 or more");
  require_option(o.max_tokens >= 2, "max-tokens", o.max_tokens, "2 or more");
  require_option(o.max_ratio == 0.0 || o.max_ratio >= 1.0, "max-ratio", o.max_ratio,
                 "0, or 1 or more");
  check(o.synthetic);
}

/// Throws UsageError for options of pairs that a task makes, and of a task that there is not.
void check_meaning(const PairTextOptions& text, const TrainCommand& command) {
  if (!synthetic(text)) {
    refuse_changed(command, text.synthetic, task_options(), "without --task");
    if (text.validation_data.empty())
      note_changed(command, text, {"decode-pairs"}, "without --validation-data");
    if (brings_tokenizer(text.tokenizer, command))
      note_changed(command, text, {"vocab-size"}, kBroughtTokenizer);
    else if (text.tokenizer == name_of(TokenizerKind::kCharacter))
      note_changed(command, text, {"vocab-size"}, "to --tokenizer character, which takes all");
    return;
  }
  refuse_changed(
      command, text,
      {"data", "validation-data", "source", "target", "vocab-size", "max-ratio", "keep-duplicates"},
      "to --task, which makes its own pairs");
  if (!fs::is_directory(text.tokenizer))
    refuse_changed(command, text, {"tokenizer"}, "to --task, which has its own symbols");
}

/// What --patience and a judged run need.
bool validates(const PairTextOptions& text) {
  return synthetic(text) ? text.synthetic.validation > 0 : !text.validation_data.empty();
}

std::shared_ptr<const Tokenizer> make_tokenizer(const PairTextOptions& text) {
  if (fs::is_directory(text.tokenizer)) return load_tokenizer(text.tokenizer);
  if (synthetic(text)) {
    return std::make_shared<CharacterTokenizer>(synthetic_alphabet(text.synthetic),
                                                CharacterSpecials{.sequence = true});
  }
  TokenizerTraining training{.vocab_size = text.vocab_size};
  try {
    training.kind = parse_enum<TokenizerKind>(text.tokenizer);
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("--tokenizer: no such folder, and {}", e.what()));
  }
  if (training.kind == TokenizerKind::kCharacter) {
    training.sequence_tokens = training.unknown = true;
    training.vocab_size = 0;
  }
  return train_tokenizer(training, parallel_files(text.data, text.source, text.target));
}

CleaningOptions cleaning(const TransformerRunOptions& o) {
  // The source ends with one token more than its text, and so does the target.
  return {.longest = std::min(o.text.max_tokens, o.model.context),
          .max_ratio = o.text.max_ratio,
          .duplicates = o.text.keep_duplicates};
}

}  // namespace

std::string TransformerFamily::description() const {
  return "Train an encoder-decoder (Vaswani et al. 2017) on pairs of texts.";
}

void TransformerFamily::declare(CLI::App& app) {
  add_option(app, "Model", "architecture", options_.architecture,
             "recurrent: an LSTM with attention of the same d-model and encoder-layers");
  add_options(app, "Model", options_.model);
  add_options(app, "Data", options_.text);
  add_options(app, "Training", options_.train);
}

void TransformerFamily::apply_preset(const std::string& preset) {
  options_.model = TransformerOptions::preset(preset);
}

void TransformerFamily::resolve(const TrainCommand& command) {
  auto& o = options_;
  check_usage([&] {
    check(o.train);
    check(o.text);
    check_kernel(o.model.attention, /*causal=*/true, o.model.attention_dropout,
                 find_device(o.train.device));
    if (o.train.patience > 0 && !validates(o.text))
      throw std::invalid_argument("--patience needs validation pairs: set --validation-data");
  });
  check_meaning(o.text, command);
  note_unused(o.train, command);
  settle_length(o.train, command);
  o.text.task.exact = synthetic(o.text);
  if (!o.text.task.exact) {
    o.text.task.source_language = o.text.source;
    o.text.task.target_language = o.text.target;
  }
  if (!command.source().empty()) {
    const fs::path folder = shape_source(command);
    const bool recurrent = is_recurrent(folder);
    if (command.has("architecture") && recurrent != (o.architecture == Architecture::kRecurrent)) {
      throw UsageError(fmt::format("--architecture cannot be changed: the model in '{}' is {}",
                                   folder.string(), recurrent ? "recurrent" : "transformer"));
    }
    o.architecture = recurrent ? Architecture::kRecurrent : Architecture::kTransformer;
    const auto taken = recurrent ? options_of_recurrent(read_recurrent_config(folder).options)
                                 : resolved(read_transformer_config(folder).options);
    take_shape(o.model, taken, folder, command,
               [](TransformerOptions& options, const auto&) { options = resolved(options); });
    o.text.tokenizer = settled_tokenizer(o.text.tokenizer, folder, command);
  }
  check_usage([&] {
    if (o.architecture == Architecture::kRecurrent)
      check_recurrent(o.model, command);
    else
      check(o.model);
  });
  check_memory(o.architecture == Architecture::kRecurrent ? need_of(recurrent_options(o.model))
                                                          : need_of(o.model),
               o.train, command);
}

void TransformerFamily::prepare() {
  if (!synthetic(options_.text)) {
    parallel_files(options_.text.data, options_.text.source, options_.text.target);
    if (!options_.text.validation_data.empty())
      parallel_files(options_.text.validation_data, options_.text.source, options_.text.target);
  }
  tokenizer_ = make_tokenizer(options_.text);
  pair_ids(*tokenizer_);  // one clear error where it has no end-of-text token
}

PairData TransformerFamily::read_pairs() {
  const PairTextOptions& o = options_.text;
  const auto read = [&](bool validation) {
    if (synthetic(o)) return synthetic_text(o.synthetic, validation, options_.train.seed);
    const std::string& data = validation ? o.validation_data : o.data;
    return data.empty() ? ParallelText() : read_parallel_text(data, o.source, o.target);
  };
  PairData data{.validation_text = read(true)};
  const CleaningOptions rules = cleaning(options_);
  // Nothing is dropped from what is measured, but for what the model cannot read.
  const CleaningOptions measured{.longest = options_.model.context, .duplicates = true};
  CleaningReport training, validation;
  const PostTemplate around = training_format(*tokenizer_, pair_ids(*tokenizer_)).source;
  const PairTokenizers tokenizers{.source = *tokenizer_, .target = *tokenizer_, .around = around};
  data.training = encode_pairs(read(false), tokenizers, rules, training);
  data.validation = encode_pairs(data.validation_text, tokenizers, measured, validation);
  if (data.training.size() == 0)
    throw std::runtime_error(fmt::format("no pair is left to train on: {}", training.text(rules)));
  facts_.emplace_back("training", training.text(rules));
  facts_.emplace_back("validation", validation.text(measured));
  return data;
}

std::unique_ptr<TranslationModel> TransformerFamily::make_model(const TrainCommand& command) const {
  set_threads(options_.train.threads);
  const auto device = find_device(options_.train.device);
  TransformerOptions shape = options_.model;
  if (command.source().empty())
    shape.vocab_size = shape.source_vocab_size = tokenizer_->vocab_size();
  check_tokenizer_fits(tokenizer_->vocab_size(), shape.vocab_size, command.source());
  torch::manual_seed(options_.train.seed);
  auto model = options_.architecture == Architecture::kRecurrent
                   ? zoo::translation_model(Recurrent(recurrent_options(shape)))
                   : zoo::translation_model(Transformer(shape));
  // A resumed run's weights come with its state.
  if (command.resume.empty() && !command.source().empty())
    model->load_weights(checkpoint_of(command.source()));
  model->module().to(device);
  return model;
}

std::unique_ptr<Task> TransformerFamily::make_task(const TrainCommand& command,
                                                   const fs::path& new_run) {
  if (new_run.empty()) tokenizer_ = load_tokenizer(shape_source(command));
  facts_.clear();
  auto data = read_pairs();
  auto model = make_model(command);
  const auto& module = model->module();
  facts_.insert(
      facts_.begin(),
      {{"parameters", parameter_count(module)},
       {"vocabulary", fmt::format("{} ({})", tokenizer_->vocab_size(), tokenizer_->kind())}});
  facts_.emplace_back("device", describe_device(module.parameters().front().device()));
  if (const auto note = model->layout_note(); !note.empty())
    facts_.emplace_back("checkpoints", note);
  auto task = std::make_unique<TransformerTask>(std::move(model), tokenizer_, std::move(data),
                                                options_.text.task, options_.train.seed);
  facts_.emplace_back("padding", fmt::format("{:.1f} % of a batch", 100.0 * task->padding_share()));
  task_ = task.get();
  return task;
}

std::function<void(torch::nn::Module&, double)> TransformerFamily::gradient_dump(
    const fs::path& file) const {
  return dump_gradients([this] { return task_->translation_model().make_twin(); },
                        task_->translation_model().name_map(), file);
}

}  // namespace zoo
