// Trains a decoder-only language model (GPT-2: Radford et al. 2019; Llama's shape by options) on a
// text:
//   scripts/get_data.sh tinyshakespeare
//   train_gpt --config train/recipes/gpt-shakespeare-cpu.toml --out runs/shakespeare
#include <fmt/format.h>

#include <utility>

#include "app/cli.h"
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

int evaluate_only(GptTask& task) {
  const torch::NoGradGuard no_grad;
  task.model().eval();
  const Metrics metrics = task.evaluate();
  if (metrics.empty())
    throw UsageError("--evaluate-only needs validation text: set --validation-share above 0");
  print_metrics(metrics);
  return 0;
}

int run(int argc, char** argv) {
  GptRunOptions options;
  const TrainProgram program{
      .family = "gpt",
      .description = "Train a decoder-only language model (GPT-2: Radford et al. 2019) on a text.",
      .declare = [&](CLI::App& app) { declare(app, options); },
      .apply_preset = [&](const std::string& name) { options.model = GptOptions::preset(name); },
      .resolve =
          [&](TrainCommand& command) { resolve(options, command, given_flags(argc, argv)); }};
  const TrainCommand command = parse_train_command(program, argc, argv);
  fmt::print("{}\n", command.config_text);
  std::fflush(stdout);

  if (!command.evaluate_only.empty()) {
    const GptText text = open_text(options, command.evaluate_only);
    GptTask task(make_gpt(options, *text.tokenizer, command), text.tokenizer, text.split,
                 options.text, 0);
    return evaluate_only(task);
  }
  Run run{
      .title = "train_gpt", .config_text = command.config_text, .resume = !command.resume.empty()};
  std::optional<NewRunFolder> fresh;
  if (!run.resume) fresh.emplace(command, program.family);
  run.folder = run.resume ? std::filesystem::path(command.resume) : fresh->path();

  const GptText text =
      run.resume ? open_text(options, run.folder) : prepare_text(options, run.folder);
  Gpt model = make_gpt(options, *text.tokenizer, command);
  run.facts = gpt_facts(model, text);
  if (!command.dump_gradients.empty())
    run.inspect_first_gradients = gradient_dump(model, command.dump_gradients);
  GptTask task(model, text.tokenizer, text.split, options.text, options.train.seed);
  for (const auto& [name, value] : run.facts) fmt::print("{:<12}{}\n", name, value);
  std::fflush(stdout);
  if (fresh) fresh->keep();
  const TrainResult result = fit(task, options.train, run);
  print_result("train_gpt", run.folder, result);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("train_gpt", [&] { return run(argc, argv); });
}
