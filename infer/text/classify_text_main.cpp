// Classifies texts, or tags their words, with a fine-tuned BERT:
//   classify_text --model DIR "What light through yonder window breaks?"
// Texts: arguments, or lines of --file, or lines of standard input; a tab parts a pair of texts.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/printable.h"
#include "base/text_file.h"
#include "infer/model_choice.h"
#include "infer/text/classifier.h"

namespace {

using Labels = std::vector<zoo::ScoredLabel>;

/// "a<TAB>b" is a pair. A blank line is an empty text, which gets an answer as every line does.
zoo::TextPair pair_of(std::string_view line) {
  const size_t tab = line.find('\t');
  zoo::TextPair pair{.a = line.substr(0, tab)};
  if (tab != std::string_view::npos) pair.b = line.substr(tab + 1);
  if (pair.b && pair.b->find('\t') != std::string_view::npos)
    throw std::runtime_error("text: more than one tab; expected a text, or two with a tab between");
  return pair;
}

/// As the pipeline of `transformers`.
nlohmann::json json_of(const Labels& labels) {
  auto list = nlohmann::json::array();
  for (const auto& [label, score] : labels) list.push_back({{"label", label}, {"score", score}});
  return list;
}

std::string json_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string text_of(const Labels& labels) {
  std::string text;
  for (const auto& [label, score] : labels)
    text += fmt::format("{}{} {:.4f}", text.empty() ? "" : "  ", label, zoo::printable(score));
  return text.empty() ? "-" : text;
}

void print_texts(zoo::TextClassifier& classifier, const std::vector<std::string>& texts,
                 int64_t top_n, bool as_json) {
  std::vector<zoo::TextPair> pairs;
  for (const auto& text : texts) pairs.push_back(pair_of(text));
  const auto answers = classifier.classify(pairs, top_n);
  for (size_t i = 0; i < texts.size(); ++i) {
    std::cout << (as_json ? json_line(json_of(answers[i]))
                          : fmt::format("{}\t{}\n", text_of(answers[i]), texts[i]));
  }
}

/// A line a word, an empty one after each text.
void print_words(zoo::TextClassifier& classifier, const std::vector<std::string>& texts,
                 int64_t top_n, bool as_json) {
  for (const auto& text : texts) {
    auto list = nlohmann::json::array();
    for (const auto& [word, labels] : classifier.tag(text, top_n)) {
      list.push_back({{"word", word}, {"labels", json_of(labels)}});
      if (!as_json) std::cout << fmt::format("{}\t{}\n", word, text_of(labels));
    }
    std::cout << (as_json ? json_line(list) : "\n") << std::flush;
  }
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("classify_text", [&]() -> int {
    std::vector<std::string> texts;
    std::filesystem::path file;
    zoo::ModelChoice model;
    int64_t top_n = 1;
    bool as_json = false, show_ids = false;
    zoo::CommandLine app{"Classifies texts, or tags their words"};
    zoo::add_texts(app, "text", texts, "Texts; a tab parts a pair");
    zoo::add_option(app, "Input", "file", file, "Texts from a file, one a line");
    zoo::add_model_options(app, model);
    zoo::add_option(app, "Output", "top", top_n, "Classes shown, best first");
    zoo::add_option(app, "Output", "json", as_json, "One JSON list a text");
    zoo::add_show_ids(app, show_ids);
    zoo::set_help(app, {"classify_text --model runs/genres \"Now is the winter of our discontent\"",
                        "classify_text --model runs/genres --top 4 --json --file passages.txt"});
    zoo::parse(app, argc, argv);
    if (top_n < 1) throw zoo::UsageError("--top must be 1 or more");
    if (!texts.empty() && !file.empty())
      throw zoo::UsageError("give texts as arguments or with --file");

    const auto device = zoo::prepare(model);
    zoo::TextClassifier classifier(model.folder, device, model.attention);
    classifier.observe_ids(zoo::ids_printer(show_ids, "text", std::cerr));
    if (texts.empty()) texts = zoo::read_lines(file);
    const auto print = classifier.of_words() ? print_words : print_texts;
    print(classifier, texts, top_n, as_json);
    return 0;
  });
}
