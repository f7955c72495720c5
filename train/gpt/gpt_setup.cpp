// The order of checks: what the command line alone can get wrong comes first, then folders and
// text, then the model.
#include "train/gpt/gpt_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "app/cli.h"
#include "base/memory.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/device.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tokenizers/training/trainers.h"
#include "train/data/text_corpus.h"
#include "train/gpt/gpt_answer_task.h"
#include "train/program/model_memory.h"
#include "train/program/setup.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTokensFile = "text.tokens";

/// Zeros replaced by what they stand for beside the other widths of `shape`.
void fill_defaults(GptOptions& o, const GptOptions& shape) {
  if (o.kv_heads == 0) o.kv_heads = shape.heads;
  if (o.head_width == 0 && shape.heads > 0) o.head_width = shape.d_model / shape.heads;
  if (o.feed_forward == 0) o.feed_forward = 4 * shape.d_model;
}

void check(const TextOptions& o) {
  require_option(o.batch_size >= 1, "batch-size", o.batch_size, "1 or more");
  require_option(o.validation_share >= 0.0 && o.validation_share < 1.0, "validation-share",
                 o.validation_share, "in [0, 1)");
  require_option(o.label_smoothing >= 0.0 && o.label_smoothing < 1.0, "label-smoothing",
                 o.label_smoothing, "in [0, 1)");
  require_option(o.vocab_size >= 0, "vocab-size", o.vocab_size, "0 or more");
  require_option(o.sample_tokens >= 0, "sample-tokens", o.sample_tokens, "0 or more");
}

std::shared_ptr<const Tokenizer> make_tokenizer(const GptRunOptions& options) {
  const TextOptions& text = options.text;
  if (fs::is_directory(text.tokenizer)) return load_tokenizer(text.tokenizer);
  // Windows of running text begin anywhere: the model never sees a <s>, so prompts must not bring
  // one either.
  TokenizerTraining training{.vocab_size = text.vocab_size, .specials = false};
  try {
    training.kind = parse_enum<TokenizerKind>(text.tokenizer);
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("--tokenizer: no such folder, and {}", e.what()));
  }
  return train_tokenizer(training, text_files(text.data));
}

/// Here, before anything is made for the run, rather than at the first sample.
void check_prompt(const Tokenizer& tokenizer, const TextOptions& text) {
  if (text.sample_tokens == 0) return;
  try {
    sample_prompt(tokenizer, text);
  } catch (const std::exception& e) {
    throw UsageError(
        fmt::format("--sample-prompt {}: {}", quote_text(text.sample_prompt), e.what()));
  }
}

GptText opened(const fs::path& tokens, std::shared_ptr<const Tokenizer> tokenizer,
               const TextOptions& options) {
  auto stream = std::make_shared<TokenStream>(tokens);
  stream->require_tokenizer(fingerprint(*tokenizer),
                            static_cast<uint64_t>(tokenizer->vocab_size()));
  return {std::move(tokenizer), split_text(std::move(stream), options.validation_share)};
}

bool is_token_stream(const fs::path& path) { return path.extension() == ".tokens"; }

bool answers(const GptRunOptions& options) {
  return options.synthetic.task != SyntheticTask::kNone;
}

/// Throws UsageError for a text's options where a task takes its place, and the other way round.
void check_meaning(const GptRunOptions& options, const TrainCommand& command) {
  const GptOptions& model = options.model;
  if (model.position != PositionKind::kRotary) {
    note_changed(command, model,
                 {"rotary-base", "rotary-scaling", "rotary-factor", "rotary-low-frequency",
                  "rotary-high-frequency", "rotary-original-context"},
                 "without --position rotary");
  } else if (model.rotary.scaling == RotaryScaling::kNone) {
    note_changed(command, model,
                 {"rotary-factor", "rotary-low-frequency", "rotary-high-frequency",
                  "rotary-original-context"},
                 "without --rotary-scaling");
  }
  if (options.text.sample_tokens == 0)
    note_changed(command, options.text, {"sample-prompt"}, "with --sample-tokens 0");
  if (!answers(options)) {
    refuse_changed(command, options.synthetic, task_options(), "without --task");
    if (brings_tokenizer(options.text.tokenizer, command))
      note_changed(command, options.text, {"vocab-size"}, kBroughtTokenizer);
    return;
  }
  refuse_changed(command, options.text,
                 {"data", "vocab-size", "validation-share", "sample-prompt", "sample-tokens"},
                 "to --task, which makes its own data");
  if (!fs::is_directory(options.text.tokenizer))
    refuse_changed(command, options.text, {"tokenizer"}, "to --task, which has its own symbols");
}

bool validates(const GptRunOptions& options) {
  return answers(options) ? options.synthetic.validation > 0 : options.text.validation_share > 0.0;
}

/// Throws UsageError where the residual stream of a batch alone would not fit into memory.
void check_batch(const GptRunOptions& o) {
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  const int64_t rows =
      answers(o) ? std::min(o.text.batch_size, o.synthetic.examples) : o.text.batch_size;
  const double tokens = number(rows) * (answers(o) ? 1.0 : number(o.model.context));
  const double bytes = sizeof(float) * tokens * number(o.model.d_model) * number(o.model.layers);
  check_usage([&] {
    require_memory(bytes, fmt::format("a batch of {} sequences", rows),
                   "choose a smaller --batch-size or --context, and --accumulate more");
  });
}

/// Throws UsageError for options that cannot be, whatever else there is.
void check_alone(const GptRunOptions& options) {
  check_usage([&] {
    check(options.train);
    check(options.text);
    check(options.synthetic);
    check_kernel(options.model.attention, /*causal=*/true, options.model.attention_dropout,
                 find_device(options.train.device));
    if (options.train.patience > 0 && !validates(options)) {
      throw std::invalid_argument(
          fmt::format("--patience needs something to measure with: set --{} above 0",
                      answers(options) ? "task-validation" : "validation-share"));
    }
  });
}

}  // namespace

void declare(CLI::App& app, GptRunOptions& options) {
  add_options(app, "Model", options.model);
  add_options(app, "Data", options.text);
  add_options(app, "Data", options.synthetic);
  add_options(app, "Training", options.train);
}

void resolve(GptRunOptions& options, const TrainCommand& command) {
  check_alone(options);
  check_meaning(options, command);
  note_unused(options.train, command);
  settle_length(options.train, command);
  if (!command.source().empty()) {
    const fs::path folder = shape_source(command);
    take_shape(options.model, read_gpt_config(folder).options, folder, command, fill_defaults);
    if (command.resume.empty())
      options.text.tokenizer = settled_tokenizer(options.text.tokenizer, folder, command);
  }
  check_usage([&] { check(options.model); });
  check_memory(need_of(options.model), options.train, command);
  if (command.evaluate_only.empty() && find_device(options.train.device).is_cpu())
    check_batch(options);
}

std::shared_ptr<const Tokenizer> prepare_tokenizer(const GptRunOptions& options) {
  std::shared_ptr<const Tokenizer> tokenizer;
  if (answers(options)) {
    return fs::is_directory(options.text.tokenizer) ? load_tokenizer(options.text.tokenizer)
                                                    : answer_tokenizer(options.synthetic);
  }
  if (!is_token_stream(options.text.data)) {
    text_files(options.text.data);  // one clear error where there are none
    tokenizer = make_tokenizer(options);
  } else if (fs::is_directory(options.text.tokenizer)) {
    tokenizer = load_tokenizer(options.text.tokenizer);
  } else {
    throw UsageError(fmt::format(
        "--data {} holds ids: name the tokenizer that made them with --tokenizer FOLDER",
        options.text.data));
  }
  check_prompt(*tokenizer, options.text);
  return tokenizer;
}

GptText prepare_text(const GptRunOptions& options, std::shared_ptr<const Tokenizer> tokenizer,
                     const fs::path& folder) {
  const auto files = text_files(options.text.data);
  if (is_token_stream(options.text.data))
    return opened(options.text.data, std::move(tokenizer), options.text);
  encode_text(files, *tokenizer, folder / kTokensFile);
  return opened(folder / kTokensFile, std::move(tokenizer), options.text);
}

GptText open_text(const GptRunOptions& options, const TrainCommand& command) {
  const fs::path folder = command.source();
  std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(
      command.resume.empty() ? fs::path(options.text.tokenizer) : RunFolder(folder).last());
  const fs::path encoded = run_of(folder).value_or(folder) / kTokensFile;
  if (!command.has("data") && fs::exists(encoded))
    return opened(encoded, std::move(tokenizer), options.text);
  const auto files = text_files(options.text.data);
  if (is_token_stream(options.text.data))
    return opened(options.text.data, std::move(tokenizer), options.text);
  const fs::path temporary =
      fs::temp_directory_path() / fmt::format("zoo-{:08x}.tokens", std::random_device{}());
  encode_text(files, *tokenizer, temporary);
  auto text = opened(temporary, std::move(tokenizer), options.text);
  fs::remove(temporary);  // the mapping stays
  return text;
}

Gpt make_gpt(const GptRunOptions& options, const Tokenizer& tokenizer,
             const TrainCommand& command) {
  set_threads(options.train.threads);
  const auto device = find_device(options.train.device);
  GptOptions shape = options.model;
  if (command.source().empty()) shape.vocab_size = tokenizer.vocab_size();
  check_tokenizer_fits(tokenizer.vocab_size(), shape.vocab_size, command.source());
  torch::manual_seed(options.train.seed);
  Gpt model(shape);
  const std::string weights =
      command.resume.empty() ? command.source() : "";  // a resumed run's come with its state
  if (!weights.empty()) load_gpt_weights(model, checkpoint_of(weights));
  model->to(device);
  return model;
}

std::string GptFamily::description() const {
  return "Train a decoder-only language model (GPT-2: Radford et al. 2019) on a text.";
}

void GptFamily::declare(CLI::App& app) { zoo::declare(app, options_); }

void GptFamily::apply_preset(const std::string& preset) {
  options_.model = GptOptions::preset(preset);
}

void GptFamily::resolve(const TrainCommand& command) { zoo::resolve(options_, command); }

void GptFamily::prepare() { tokenizer_ = prepare_tokenizer(options_); }

void GptFamily::note_facts(std::string_view unit, int64_t training, int64_t validation) {
  facts_ = {{"parameters", parameter_count(*model_)},
            {"vocabulary", fmt::format("{} ({})", model_->options.vocab_size, tokenizer_->kind())},
            {"training", fmt::format("{} {}", training, unit)},
            {"validation", fmt::format("{} {}", validation, unit)},
            {"device", describe_device(model_->token_embedding->weight.device())}};
  if (const auto note = layout_note(model_->options); !note.empty())
    facts_.emplace_back("checkpoints", note);
}

std::unique_ptr<Task> GptFamily::make_text_task(const TrainCommand& command,
                                                const fs::path& new_run) {
  const auto text =
      new_run.empty() ? open_text(options_, command) : prepare_text(options_, tokenizer_, new_run);
  tokenizer_ = text.tokenizer;
  model_ = make_gpt(options_, *tokenizer_, command);
  note_facts("tokens", text.split.training.size(), text.split.validation.size());
  return std::make_unique<GptTask>(model_, tokenizer_, text.split, options_.text,
                                   options_.train.seed);
}

std::unique_ptr<Task> GptFamily::make_answer_task(const TrainCommand& command) {
  if (!tokenizer_) tokenizer_ = load_tokenizer(shape_source(command));
  auto data = answer_data(options_.synthetic, *tokenizer_, options_.train.seed);
  if (const int64_t longest = longest_answered(data); longest > options_.model.context) {
    throw UsageError(fmt::format(
        "--context must be {} or more, for the task's longest question and its answer, got {}",
        longest, options_.model.context));
  }
  model_ = make_gpt(options_, *tokenizer_, command);
  note_facts("questions", data.training.size(), data.validation.size());
  return std::make_unique<GptAnswerTask>(
      model_, tokenizer_, std::move(data),
      AnswerTaskOptions{.batch_size = options_.text.batch_size,
                        .label_smoothing = options_.text.label_smoothing,
                        .seed = options_.train.seed});
}

std::unique_ptr<Task> GptFamily::make_task(const TrainCommand& command, const fs::path& new_run) {
  return answers(options_) ? make_answer_task(command) : make_text_task(command, new_run);
}

std::function<void(torch::nn::Module&, double)> GptFamily::gradient_dump(
    const fs::path& file) const {
  const GptOptions options = model_->options;
  return dump_gradients([options] { return Gpt(options).ptr(); },
                        gpt_name_map(layout_of(options), options), file);
}

}  // namespace zoo
