#include "train/gpt/gpt_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "app/cli.h"
#include "base/memory_limit.h"
#include "base/note.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "models/pretrained/gpt/gpt_config.h"
#include "tokenizers/training/trainers.h"
#include "train/data/text_corpus.h"
#include "train/gpt/gpt_answer_task.h"
#include "train/gpt/gpt_text.h"
#include "train/program/checkpoint_shape.h"
#include "train/program/usage.h"

namespace zoo {
namespace fs = std::filesystem;

GptTraining::GptTraining()
    : Training({.family = "gpt",
                .description = "Train a decoder-only language model (GPT-2: Radford et al. 2019) "
                               "on a text.",
                // Windows of running text begin anywhere: the model never sees a <s>, so prompts
                // must not bring one either.
                .tokenizer = TokenizerOptions{.tokenizer = "character", .marks_ends = false},
                .examples = {"train_gpt --config gpt-shakespeare-cpu --out runs/shakespeare",
                             "train_gpt --data my_text.txt --max-steps 500 --out runs/mine"}}) {}

void GptTraining::declare_options(CLI::App& app) {
  add_options(app, "Model", model_);
  add_options(app, "Data", data_);
}

// What a GPT can learn. A new objective is a Task and a row here.

std::vector<Objective> GptTraining::objectives() {
  const Objective next_token{
      .name = "next-token",
      .what = "the next token of a text",
      .options = {"data", "tokenizer", "vocab-size", "validation-share", "sample-prompt",
                  "sample-tokens"},
      .lacks_validation = [this] { return lacks_validation(data_.validation); },
      .check = [this] { check_batch(data_.text.batch_size, model_.context); },
      .prepare = [this] { prepare_text(); },
      .make_task = [this](const fs::path& new_run) { return make_text_task(new_run); }};
  const Objective answers{.name = "answers",
                          .what = "the answers of a built-in --task",
                          .options = {"task", "task-classes", "task-length", "task-min-length",
                                      "task-examples", "task-validation", "tokenizer"},
                          .lacks_validation = [this] { return lacks_validation(data_.synthetic); },
                          .check = [this] { check_questions(); },
                          .prepare = [this] { prepare_questions(); },
                          .make_task = [this](const fs::path&) { return make_answer_task(); }};
  return {next_token, answers};
}

std::string GptTraining::implied_objective() const {
  return data_.synthetic.task == SyntheticTask::kNone ? "" : "answers";
}

// The model.

std::vector<AttentionUse> GptTraining::attention() const {
  return {{.kernel = model_.attention,
           .causal = true,
           .dropout = model_.attention_dropout,
           .trains_bias = model_.position == PositionKind::kTransformerXl}};
}

/// What is asked of a trained model beyond the length of its training, for --evaluate-only and for
/// training on with longer texts.
LengthOptions GptTraining::asked_lengths() {
  LengthOptions asked;
  visit(model_, [&](std::string_view name, auto& value, const std::string&) {
    visit(asked, [&](std::string_view same, auto& field, const std::string&) {
      if constexpr (std::is_same_v<decltype(field), std::optional<std::decay_t<decltype(value)>>&>)
        if (name == same && command().has(name)) field = value;
    });
  });
  return asked;
}

void GptTraining::take_model(const fs::path& folder) {
  GptOptions found = read_gpt_config(folder).options;
  check_usage([&] { found = with_lengths(found, asked_lengths()); });
  take_shape(model_, found, folder, command());
}

Gpt GptTraining::make_model(const std::string& training, const std::string& validation) {
  model_.vocab_size = vocabulary_for(*tokenizer_, model_.vocab_size, command());
  const Gpt model =
      build([&] { return Gpt(model_); },
            [](Gpt& made, const fs::path& folder) { load_gpt_weights(made, folder); });
  describe(*model, training, validation, layout_note(model->options));
  return model;
}

NameMap GptTraining::names_on_disk() const {
  const GptOptions options = resolved(model_);
  return gpt_name_map(layout_of(options), options);
}

// A text.

void GptTraining::prepare_text() {
  if (model_.prefix_lm)
    throw UsageError("--prefix-lm needs a --task, whose questions are the prompts; leave it out");
  const TextOptions& text = data_.text;
  const auto files = text_files(data_.data);  // one clear error where there are none
  if (is_token_stream(data_.data) && !fs::is_directory(tokenizer_options().tokenizer)) {
    throw UsageError(fmt::format(
        "--data {} holds ids: name the tokenizer that made them with --tokenizer FOLDER",
        data_.data));
  }
  tokenizer_ = make_tokenizer(tokenizer_options(), [&](const TokenizerTraining& options) {
    return train_tokenizer(options, files);
  });
  if (text.sample_tokens == 0) return;
  try {  // here, before anything is made for the run, rather than at the first sample
    sample_prompt(*tokenizer_, text);
  } catch (const std::exception& e) {
    throw UsageError(
        fmt::format("--sample-prompt {}: {}", quote_text(text.sample_prompt), e.what()));
  }
}

std::unique_ptr<Task> GptTraining::make_text_task(const fs::path& new_run) {
  const double share = data_.validation.share;
  if (!new_run.empty())
    in_first_process([&] { encode_new_text(data_.data, *tokenizer_, new_run); });
  const TextSplit split = new_run.empty() ? open_text(data_.data, *tokenizer_, share, command())
                                          : open_new_text(data_.data, *tokenizer_, share, new_run);
  const auto tokens = [](const TokenRange& part) { return fmt::format("{} tokens", part.size()); };
  const Gpt model = make_model(tokens(split.training), tokens(split.validation));
  return std::make_unique<GptTask>(model, tokenizer_, split, data_.text, train_.seed);
}

// Questions with one right answer.

void GptTraining::prepare_questions() {
  const std::string& tokenizer = tokenizer_options().tokenizer;
  if (fs::is_directory(tokenizer))
    tokenizer_ = load_tokenizer(tokenizer);
  else
    tokenizer_ = answer_tokenizer(data_.synthetic);
}

std::unique_ptr<Task> GptTraining::make_answer_task() {
  auto data = answer_data(data_.synthetic, *tokenizer_, train_.seed);
  if (const int64_t longest = longest_answered(data); longest > model_.context) {
    throw UsageError(fmt::format(
        "--context must be {} or more, for the task's longest question and its answer, got {}",
        longest, model_.context));
  }
  const auto count = [](const SequencePairs& part) {
    return fmt::format("{} questions", part.size());
  };
  const Gpt model = make_model(count(data.training), count(data.validation));
  return std::make_unique<GptAnswerTask>(
      model, tokenizer_, std::move(data),
      AnswerTaskOptions{.batch_size = data_.text.batch_size,
                        .label_smoothing = data_.text.label_smoothing,
                        .seed = train_.seed});
}

// Which options fit together.

void GptTraining::check_questions() const {
  if (data_.synthetic.task == SyntheticTask::kNone)
    throw UsageError("--objective answers needs a --task");
  if (model_.memory > 0)
    throw UsageError(
        "--memory needs a running text, and questions of a --task begin anew; leave "
        "it out");
  if (!fs::is_directory(tokenizer_options().tokenizer))
    refuse_changed(command(), {"tokenizer"}, "to --task, which has its own symbols");
  check_batch(std::min(data_.text.batch_size, data_.synthetic.examples), /*tokens=*/1);
}

void GptTraining::check_batch(int64_t rows, int64_t tokens) const {
  if (!command().evaluate_only.empty() || !find_device(train_.device).is_cpu()) return;
  double bytes = sizeof(float);
  for (const int64_t factor : {rows, tokens, model_.d_model, model_.layers})
    bytes *= static_cast<double>(factor);
  require_memory(bytes, fmt::format("a batch of {} sequences", rows),
                 "choose a smaller --batch-size or --context, and --accumulate more");
}

void GptTraining::check_options() const {
  const TextOptions& text = data_.text;
  require_option(text.batch_size >= 1, "batch-size", text.batch_size, "1 or more");
  require_probability("label-smoothing", text.label_smoothing);
  require_option(text.sample_tokens >= 0, "sample-tokens", text.sample_tokens, "0 or more");
  check(data_.validation);
  check(data_.synthetic);
}

void GptTraining::settle_options() {
  note_unused(model_, command());
  if (data_.text.sample_tokens == 0)
    note_changed(command(), {"sample-prompt"}, "with --sample-tokens 0");
  scale_for_sinusoids();
}

/// Sines and cosines are near 1 in size, new embeddings 0.02: what a token says would drown. The
/// paper multiplies embeddings by sqrt(C) (Vaswani et al. 2017, §3.4).
void GptTraining::scale_for_sinusoids() {
  const bool chosen = model_.position == PositionKind::kSinusoidal && command().changed("position");
  if (!chosen || !command().source().empty() || command().has("scale-embeddings")) return;
  model_.scale_embeddings = true;
  note(
      "note: --position sinusoidal: embeddings are multiplied by sqrt(d-model), as in the paper; "
      "--scale-embeddings=false leaves them as they are");
}

}  // namespace zoo
