// From train_gpt's options to a model, a tokenizer and a text: what happens before the first
// update.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "models/gpt/gpt.h"
#include "tokenizers/tokenizer.h"
#include "train/data/synthetic_tasks.h"
#include "train/gpt/gpt_task.h"
#include "train/loop/options.h"
#include "train/program/command_line.h"
#include "train/program/family.h"

namespace zoo {

struct GptRunOptions {
  GptOptions model;
  TextOptions text;
  SyntheticOptions synthetic;
  TrainOptions train;
};

/// All of them on a command line.
void declare(CLI::App& app, GptRunOptions& options);

/// What depends on others: a model that comes from a folder brings its own shape and tokenizer; a
/// schedule without length lasts as long as the run. Throws UsageError for values out of range,
/// and where a flag, recipe or preset asks for another shape than the folder's.
void resolve(GptRunOptions& options, const TrainCommand& command);

/// A text as ids, with the tokenizer that made them.
struct GptText {
  std::shared_ptr<const Tokenizer> tokenizer;
  TextSplit split;
};

/// A new run's tokenizer, loaded or trained on the data. Throws UsageError where it cannot write
/// the prompt of the samples.
std::shared_ptr<const Tokenizer> prepare_tokenizer(const GptRunOptions& options);
/// A new run's text, encoded to folder/text.tokens.
GptText prepare_text(const GptRunOptions& options, std::shared_ptr<const Tokenizer> tokenizer,
                     const std::filesystem::path& folder);
/// The text of a run that goes on, or of a checkpoint to measure: with its tokenizer, as the run
/// encoded it, unless --data named another.
GptText open_text(const GptRunOptions& options, const TrainCommand& command);

/// On its device, with the weights of --init-from or --evaluate-only, or new ones from the seed.
Gpt make_gpt(const GptRunOptions& options, const Tokenizer& tokenizer, const TrainCommand& command);

/// train_gpt, for run_training().
class GptFamily final : public Family {
 public:
  std::string name() const override { return "gpt"; }
  std::string description() const override;
  void declare(CLI::App& app) override;
  void apply_preset(const std::string& preset) override;
  void resolve(const TrainCommand& command) override;
  const TrainOptions& train_options() const override { return options_.train; }
  void prepare() override;
  std::unique_ptr<Task> make_task(const TrainCommand& command,
                                  const std::filesystem::path& new_run) override;
  Facts facts() const override { return facts_; }
  std::function<void(torch::nn::Module&, double)> gradient_dump(
      const std::filesystem::path& file) const override;

 private:
  std::unique_ptr<Task> make_text_task(const TrainCommand& command,
                                       const std::filesystem::path& new_run);
  std::unique_ptr<Task> make_answer_task(const TrainCommand& command);
  void note_facts(std::string_view unit, int64_t training, int64_t validation);

  GptRunOptions options_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Gpt model_{nullptr};
  Facts facts_;
};

}  // namespace zoo
