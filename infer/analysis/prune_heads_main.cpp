// Removes attention heads for good: the model is smaller and faster, and a checkpoint of its own.
//   prune_heads --model runs/shakespeare --heads "0:1,3 2:0" --out smaller
//   prune_heads --model runs/shakespeare --keep 0.5 --text "To be, or not to be" --out half
//   prune_heads --model runs/en-fr --heads "encoder.0:1 cross.2:0,3" --out smaller
// Michel et al. 2019 (arXiv:1905.10650). Training can go on: train_gpt --init-from half.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/text_table.h"
#include "infer/analysis/head_removal.h"
#include "infer/analysis/look_result.h"
#include "infer/analysis/pruned_folder.h"
#include "models/pretrained/format/config_json.h"

namespace {

using nlohmann::json;

struct Request {
  zoo::ModelChoice model;
  zoo::LookedAt input;
  std::optional<std::string> heads, by;
  std::optional<double> keep;
  std::filesystem::path out;
  bool as_json = false;

  bool has_input() const {
    return input.text || input.pair || input.source || input.target || !input.image.empty();
  }
};

void add_options(zoo::CommandLine& app, Request& r) {
  zoo::add_model_options(app, r.model);
  zoo::add_option(app, "Heads", "heads", r.heads,
                  "Heads to remove, LAYER:HEAD,HEAD LAYER:... as look_inside counts them");
  zoo::add_option(app, "Heads", "keep", r.keep,
                  "Or: the share of heads that stays, the most important ones for the input");
  zoo::add_option(app, "Heads", "by", r.by,
                  "With --keep: importance by ablation (default) or by gradient");
  zoo::add_input_options(app, r.input);
  zoo::make_required(zoo::add_option(app, "Output", "out", r.out, "Folder of the new checkpoint"));
  zoo::add_option(app, "Output", "json", r.as_json, "Print one JSON object");
}

void check(const Request& r) {
  if (r.heads.has_value() == r.keep.has_value())
    throw zoo::UsageError("name the heads with --heads, or how many stay with --keep");
  if (r.keep && !(*r.keep > 0 && *r.keep < 1))
    throw zoo::UsageError(fmt::format("--keep must be between 0 and 1, got {}", *r.keep));
  if (r.by && !r.keep) throw zoo::UsageError("--by goes with --keep");
  if (r.by && *r.by != "ablation" && *r.by != "gradient")
    throw zoo::UsageError(fmt::format("--by must be ablation or gradient, got '{}'", *r.by));
  zoo::require_new_folder(r.out);
}

std::string chosen_heads(const Request& r, const zoo::OpenedInput& opened,
                         const zoo::HeadTask* task) {
  if (r.heads) return *r.heads;
  const bool gradient = r.by == "gradient";
  const auto importance = gradient ? zoo::gradient_importance(task->layers, task->examples)
                                   : zoo::ablation_importance(task->layers, task->examples);
  return zoo::least_important_heads(*opened.model, task->layers, importance, *r.keep);
}

json measure_json(const zoo::ModelMeasure& m) {
  json result = {{"heads", m.heads}, {"parameters", m.parameters}};
  if (m.loss) result["loss"] = *m.loss;
  if (m.seconds) result["seconds"] = *m.seconds;
  return result;
}

std::string measure_text(const zoo::ModelMeasure& before, const zoo::ModelMeasure& after) {
  std::vector<std::vector<std::string>> rows = {{"", "before", "after", "ratio"}};
  const auto add = [&](const char* name, double a, double b, int digits) {
    rows.push_back({name, fmt::format("{:.{}f}", a, digits), fmt::format("{:.{}f}", b, digits),
                    fmt::format("{:.3f}", b / a)});
  };
  add("heads", static_cast<double>(before.heads), static_cast<double>(after.heads), 0);
  add("parameters", static_cast<double>(before.parameters), static_cast<double>(after.parameters),
      0);
  if (before.loss) add("loss (nats)", *before.loss, *after.loss, 4);
  if (before.seconds) add("forward (ms)", 1e3 * *before.seconds, 1e3 * *after.seconds, 3);
  std::string text;
  const auto widths = zoo::column_widths(rows, 4);
  for (const auto& row : rows) text += zoo::table_line(row, widths, 1) + "\n";
  return text;
}

/// What Python needs to know: where layers lack heads of their own, `transformers` 5 needs help.
std::string note_for_python(const std::filesystem::path& folder) {
  std::string note;
  zoo::read_config(folder, [&](const json& config) {
    const std::string text = config.dump();
    if (text.find("pruned_heads\":{") != std::string::npos)
      note = "Python: open it with examples/open_pruned.py; transformers 5 alone refuses it.\n";
  });
  return note;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("prune_heads", [&] {
    Request request;
    zoo::CommandLine app{"Removes attention heads from a model, for good", "prune_heads"};
    add_options(app, request);
    zoo::set_help(app,
                  {"prune_heads --model runs/shakespeare --heads \"0:1,3 2:0\" --out smaller",
                   "prune_heads --model runs/shakespeare --keep 0.5 --text \"To be\" --out half"});
    zoo::parse(app, argc, argv);
    check(request);

    const auto opened =
        zoo::open_input(request.model, request.input,
                        {.needs_head = true, .input_optional = request.heads.has_value()});
    std::optional<zoo::HeadTask> task;
    if (request.has_input()) task = zoo::head_task(opened);
    const auto* const judged = task ? &*task : nullptr;
    const std::string heads = chosen_heads(request, opened, judged);
    if (heads.find_first_not_of(' ') == std::string::npos)
      throw std::runtime_error("no heads to remove; name some, or give a smaller --keep");
    const auto before = zoo::measure_model(*opened.model, judged);
    zoo::remove_heads(*opened.model, heads);
    const auto after = zoo::measure_model(*opened.model, judged);
    zoo::write_pruned_folder(request.out, opened, request.model.folder);

    if (request.as_json) {
      std::cout << zoo::json_line({{"model", request.model.folder.string()},
                                   {"removed", heads},
                                   {"before", measure_json(before)},
                                   {"after", measure_json(after)},
                                   {"out", request.out.string()}})
                << '\n';
      return 0;
    }
    std::cout << fmt::format("removed: {}\n{}{}{}\n", heads, measure_text(before, after),
                             note_for_python(request.out), request.out.string());
    return 0;
  });
}
