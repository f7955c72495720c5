// Finds the sentences of a file that are nearest in meaning to a query:
//   search_sentences --model data/minilm --sentences lines.txt "A man is eating food." --top-n 3
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/files.h"
#include "app/run_app.h"
#include "infer/model_choice.h"
#include "infer/sentence_search.h"

int main(int argc, char** argv) {
  return zoo::run_app("search_sentences", [&]() -> int {
    std::vector<std::string> queries;
    std::filesystem::path sentences;
    zoo::ModelChoice model;
    int64_t top_n = 5;
    bool as_json = false;
    CLI::App app{"Finds the sentences of a file that are nearest in meaning to a query"};
    app.add_option("query", queries, "What to look for")->required();
    zoo::add_option(app, "Input", "sentences", sentences, "Text file, one a line")->required();
    zoo::add_model_options(app, model);
    zoo::add_option(app, "Output", "top-n", top_n, "Sentences a query");
    zoo::add_option(app, "Output", "json", as_json, "One JSON list a query");
    zoo::parse(app, argc, argv);
    if (top_n < 1) throw zoo::UsageError("--top-n must be 1 or more");

    const auto device = zoo::prepare(model);
    const auto lines = zoo::read_lines(sentences);
    zoo::SentenceEncoder encoder(model.folder, device, model.attention);
    const auto vectors = encoder.encode(lines), asked = encoder.encode(queries);
    for (size_t q = 0; q < queries.size(); ++q) {
      auto list = nlohmann::json::array();
      for (const auto& [index, score] :
           zoo::nearest(asked[static_cast<int64_t>(q)], vectors, top_n)) {
        const auto& text = lines[static_cast<size_t>(index)];
        list.push_back({{"index", index}, {"score", score}, {"text", text}});
        if (!as_json) std::cout << fmt::format("{:7.4f}  {}\n", score, text);
      }
      std::cout << (as_json ? list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                            : "")
                << '\n';
    }
    return 0;
  });
}
