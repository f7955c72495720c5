// Trains a decoder-only language model (GPT-2: Radford et al. 2019; Llama's shape by options) on a
// text:
//   scripts/get_data.sh tinyshakespeare
//   train_gpt --config train/recipes/gpt-shakespeare-cpu.toml --out runs/shakespeare
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "app/interrupt.h"
#include "app/run_app.h"
#include "models/device.h"
#include "models/pretrained/gpt_checkpoint.h"
#include "train/command_line.h"
#include "train/gpt_setup.h"
#include "train/gpt_task.h"
#include "train/trainer.h"

namespace {

using namespace zoo;

void print_metrics(const Metrics& metrics) {
  for (const auto& [name, value] : metrics) fmt::print("val {} {:.6g}\n", name, value);
}

int evaluate_only(const GptRunOptions& options, const TrainCommand& command) {
  const GptText text = open_text(options, command);
  GptTask task(make_gpt(options, *text.tokenizer, command), text.tokenizer, text.split,
               options.text, 0);
  const torch::NoGradGuard no_grad;
  task.model().eval();
  const Metrics metrics = task.evaluate();
  if (metrics.empty())
    throw UsageError("--evaluate-only needs validation text: set --validation-share above 0");
  print_metrics(metrics);
  return 0;
}

int train(const GptRunOptions& options, const TrainCommand& command, const TrainProgram& program) {
  std::optional<NewRunFolder> fresh;
  std::shared_ptr<const Tokenizer> tokenizer;
  if (command.resume.empty()) {
    fresh.emplace(command, program.family);
    tokenizer = prepare_tokenizer(options);
  }
  const InterruptGuard interrupt;  // one for all: a signal while the text is encoded counts as well
  Run run{.folder = fresh ? fresh->path() : std::filesystem::path(command.resume),
          .title = "train_gpt",
          .config_text = command.config_text,
          .resume = !fresh,
          .starts_trained = !command.init_from.empty()};
  std::optional<RunLock> lock;
  if (fresh)
    fresh->create();
  else
    lock.emplace(RunFolder(run.folder).lock());
  const GptText text =
      fresh ? prepare_text(options, std::move(tokenizer), run.folder) : open_text(options, command);
  Gpt model = make_gpt(options, *text.tokenizer, command);
  run.facts = gpt_facts(model, text);
  if (!command.dump_gradients.empty())
    run.inspect_first_gradients = gradient_dump(model, command.dump_gradients);
  GptTask task(model, text.tokenizer, text.split, options.text, options.train.seed);
  for (const auto& [name, value] : run.facts) fmt::print("{:<12}{}\n", name, value);
  std::fflush(stdout);
  return print_result("train_gpt", run.folder, fit(task, options.train, run));
}

int run(int argc, char** argv) {
  GptRunOptions options;
  const TrainProgram program{
      .family = "gpt",
      .description = "Train a decoder-only language model (GPT-2: Radford et al. 2019) on a text.",
      .declare = [&](CLI::App& app) { declare(app, options); },
      .apply_preset = [&](const std::string& name) { options.model = GptOptions::preset(name); },
      .resolve = [&](TrainCommand& command) { resolve(options, command); }};
  const TrainCommand command = parse_train_command(program, argc, argv);
  fmt::print("{}\n", command.config_text);
  std::fflush(stdout);
  try {
    return command.evaluate_only.empty() ? train(options, command, program)
                                         : evaluate_only(options, command);
  } catch (const Interrupted& e) {
    fmt::print(stderr, "train_gpt: {}\n", e.what());
    return kInterrupted;
  }
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("train_gpt", [&] { return run(argc, argv); });
}
