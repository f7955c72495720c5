// Fills in masked words with a BERT:
//   fill_mask --model DIR "The capital of France is [MASK]."
// Texts: arguments, or lines of --file, or lines of standard input.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/printable.h"
#include "base/text_file.h"
#include "infer/model_choice.h"
#include "infer/text/fill_mask.h"

namespace {

using Fillings = std::vector<std::vector<zoo::MaskFilling>>;

/// As the pipeline of `transformers`: a list for one mask, a list of lists for several; of a blank
/// line, an empty one.
std::string json_line(const Fillings& masks) {
  auto all = nlohmann::json::array();
  for (const auto& fillings : masks) {
    auto list = nlohmann::json::array();
    for (const auto& f : fillings) {
      list.push_back({{"score", f.score},
                      {"token", f.token},
                      {"token_str", f.token_str},
                      {"sequence", f.sequence}});
    }
    all.push_back(list);
  }
  const auto& shown = masks.size() == 1 ? all[0] : all;
  return shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

/// Several lines a mask and a blank one.
std::string text_lines(const Fillings& masks) {
  if (masks.empty()) return "\n";
  std::string text;
  for (const auto& fillings : masks) {
    for (const auto& f : fillings)
      text += fmt::format("{:7.4f}  {:<16} {}\n", zoo::printable(f.score), f.token_str, f.sequence);
    text += "\n";
  }
  return text;
}

/// What may stand in the text that is line `number` of all.
Fillings fill(zoo::MaskFiller& filler, const std::string& text, size_t number,
              const zoo::FillMaskOptions& options) {
  if (zoo::is_blank_line(text)) return {};
  try {
    return filler.fill(text, options);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("fill_mask", [&]() -> int {
    std::vector<std::string> texts;
    std::filesystem::path file;
    zoo::ModelChoice model;
    std::string targets;
    zoo::FillMaskOptions options;
    bool as_json = false, show_ids = false;
    zoo::CommandLine app{"Fills in masked words with a BERT"};
    zoo::add_texts(app, "text", texts, "Texts with mask tokens");
    zoo::add_option(app, "Input", "file", file, "Texts from a file, one a line");
    zoo::add_model_options(app, model);
    zoo::add_option(app, "Output", "top", options.top_k, "Proposals for each mask");
    zoo::add_option(app, "Output", "targets", targets, "Only these pieces: a,b,c");
    zoo::add_option(app, "Output", "json", as_json, "One JSON list a text");
    zoo::add_show_ids(app, show_ids);
    zoo::set_help(app, {"fill_mask --model runs/bert \"click the [MASK] to open the dialog.\"",
                        "fill_mask --model runs/bert --top 3 --json --file sentences.txt"});
    zoo::parse(app, argc, argv);
    options.on_ids = zoo::ids_printer(show_ids, "text", std::cerr);
    if (options.top_k < 1) throw zoo::UsageError("--top must be 1 or more");
    if (!texts.empty() && !file.empty())
      throw zoo::UsageError("give texts as arguments or with --file");
    std::istringstream list(targets);
    for (std::string target; std::getline(list, target, ',');) options.targets.push_back(target);

    const auto device = zoo::prepare(model);
    zoo::MaskFiller filler(model.folder, device, model.attention);
    if (texts.empty()) texts = zoo::read_lines(file);
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto masks = fill(filler, texts[i], i + 1, options);
      std::cout << (as_json ? json_line(masks) : text_lines(masks)) << std::flush;
    }
    return 0;
  });
}
