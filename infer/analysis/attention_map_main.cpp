// Draws what each attention head of a language model looks at in one text:
//   attention_map --model runs/shakespeare --text "To be, or not to be" --out attention
// Writes attention.html (all heads with labelled axes; open it in a browser) and PNG files of each
// layer and head.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "infer/analysis/attention_map.h"
#include "infer/generation/language_model.h"
#include "tokenizers/token_label.h"

namespace {

std::vector<int64_t> read_text(const zoo::LanguageModel& loaded, const std::string& text) {
  const auto ids = zoo::encode_prompt(*loaded.tokenizer, text);
  const int64_t context = loaded.model->options.context;
  if (std::ssize(ids) > context) {
    throw std::runtime_error(fmt::format(
        "--text has {} tokens, the model's context is {}; shorten it", ids.size(), context));
  }
  return ids;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("attention_map", [&] {
    // Only "matmul" is sure to form the weights; another kernel may be asked for and can refuse.
    zoo::ModelChoice model{.attention = "matmul"};
    std::string text;
    std::filesystem::path out;
    const zoo::CommandLine app{"Draws what each attention head looks at in one text",
                               "attention_map"};
    zoo::add_model_options(app, model);
    zoo::make_required(zoo::add_option(app, "Picture", "text", text, "The text to look at"));
    zoo::make_required(
        zoo::add_option(app, "Picture", "out", out, "Folder for the page and the pictures"));
    zoo::parse(app, argc, argv);
    if (text.empty()) throw zoo::UsageError("--text must not be empty");
    zoo::require_map_folder(out);

    auto loaded = zoo::load_language_model(model, /*head_optional=*/true);
    const auto ids = read_text(loaded, text);
    const auto layers = zoo::attention_weights(loaded.model, ids);  // [H, T, T] each
    std::vector<std::string> labels;
    for (const int64_t id : ids) labels.push_back(zoo::token_label(*loaded.tokenizer, id));
    const auto page = zoo::attention_page("Attention, head by head", labels, layers);
    for (const auto& path : zoo::write_attention_map(out, page, layers)) {
      std::cout << path.string() << '\n';
    }
    return 0;
  });
}
