// Finds the sentences of a file that are nearest in meaning to a query:
//   search_sentences --model data/minilm --file lines.txt "A man is eating food." --top 3
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/printable.h"
#include "base/text_file.h"
#include "infer/model_choice.h"
#include "infer/retrieval/sentence_encoder.h"
#include "infer/retrieval/sentence_search.h"

namespace {

struct Sentences {
  std::vector<std::string> texts;
  std::vector<int64_t> lines;  ///< the number of each, from 0
};

/// A blank line is no sentence, but counts.
Sentences read_sentences(const std::filesystem::path& file) {
  Sentences sentences;
  const auto lines = zoo::read_lines(file);
  for (size_t n = 0; n < lines.size(); ++n) {
    if (zoo::is_blank_line(lines[n])) continue;
    sentences.texts.push_back(lines[n]);
    sentences.lines.push_back(static_cast<int64_t>(n));
  }
  if (sentences.texts.empty())
    throw std::runtime_error(fmt::format("{}: holds no sentences", file.string()));
  return sentences;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("search_sentences", [&]() -> int {
    std::vector<std::string> queries;
    std::filesystem::path sentences;
    zoo::ModelChoice model;
    int64_t top = 5;
    bool as_json = false, show_ids = false;
    zoo::CommandLine app{"Finds the sentences of a file that are nearest in meaning to a query"};
    zoo::make_required(zoo::add_texts(app, "query", queries, "What to look for"));
    zoo::make_required(zoo::add_option(app, "Input", "file", sentences, "Sentences, one a line"));
    zoo::add_model_options(app, model);
    zoo::add_option(app, "Output", "top", top, "Sentences for each query");
    zoo::add_option(app, "Output", "json", as_json, "One JSON list a query");
    zoo::add_show_ids(app, show_ids);
    zoo::set_help(
        app, {"search_sentences --model data/minilm --file lines.txt \"A man is eating food.\"",
              "search_sentences --model data/minilm --file lines.txt --top 3 --json \"to eat\""});
    zoo::parse(app, argc, argv);
    if (top < 1) throw zoo::UsageError("--top must be 1 or more");

    const auto device = zoo::prepare(model);
    const Sentences found = read_sentences(sentences);
    zoo::SentenceEncoder encoder(model.folder, device, model.attention);
    const auto& config = encoder.config();
    encoder.observe_ids(zoo::ids_printer(show_ids, "sentence", std::cerr));
    const auto vectors = encoder.encode(found.texts, config.prompt("document"));
    encoder.observe_ids(zoo::ids_printer(show_ids, "query", std::cerr));
    const auto asked = encoder.encode(queries, config.prompt("query"));
    const auto scores = zoo::similarities(asked, vectors, config.similarity);  // [Q, N]
    for (size_t q = 0; q < queries.size(); ++q) {
      auto list = nlohmann::json::array();
      for (const auto& [index, score] : zoo::nearest(scores[static_cast<int64_t>(q)], top)) {
        const auto& text = found.texts[static_cast<size_t>(index)];
        const int64_t line = found.lines[static_cast<size_t>(index)];
        list.push_back({{"index", line}, {"score", score}, {"text", text}});
        if (!as_json) std::cout << fmt::format("{:7.4f}  {}\n", zoo::printable(score), text);
      }
      std::cout << (as_json ? list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                            : "")
                << '\n';
    }
    return 0;
  });
}
