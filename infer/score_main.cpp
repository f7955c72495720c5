// Scores translations, one a line, against one or more files of references:
//   score --hypotheses test.hyp --references test.fr
//   score --hypotheses test.hyp --references a.fr --references b.fr --metric chrf++ --json
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/files.h"
#include "app/run_app.h"
#include "infer/scores/bleu.h"
#include "infer/scores/chrf.h"
#include "infer/scores/score_text.h"
#include "tokenizers/text/utf8.h"

namespace zoo {

enum class ScoreMetric { kBleu, kChrf, kChrfPlusPlus };

template <>
struct EnumNames<ScoreMetric> {
  static constexpr std::string_view what = "metric";
  static constexpr std::pair<ScoreMetric, std::string_view> values[] = {
      {ScoreMetric::kBleu, "bleu"},
      {ScoreMetric::kChrf, "chrf"},
      {ScoreMetric::kChrfPlusPlus, "chrf++"}};
};

namespace {

struct Options {
  std::string hypotheses;
  std::vector<std::string> references;
  ScoreMetric metric = ScoreMetric::kBleu;
  bool json = false, lowercase = false, whitespace = false;
  int64_t width = 1;
  BleuOptions bleu;
};

/// A score on its way to the reader.
struct Result {
  std::string name, signature, details;
  double score = 0;
};

/// The lines without white space at their ends, as sacrebleu reads them.
std::vector<std::string> read_lines(const std::string& path) {
  const std::string bytes = read_file(path);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string line = bytes.substr(begin, end - begin);
    if (utf8::find_invalid(line) != std::string::npos) {
      throw std::runtime_error(fmt::format("{}:{}: the line is not UTF-8; convert the file first",
                                           path, lines.size() + 1));
    }
    lines.push_back(to_utf8(without_trailing_space(to_code_points(line))));
    begin = end + 1;
  }
  if (lines.empty()) throw std::runtime_error(path + ": the file has no line to score");
  return lines;
}

std::vector<std::vector<std::string>> read_references(const Options& o, size_t lines) {
  std::vector<std::vector<std::string>> references;
  for (const std::string& path : o.references) {
    references.push_back(read_lines(path));
    if (references.back().size() == lines) continue;
    throw std::runtime_error(
        fmt::format("{} has {} lines, but {} has {}: line i of one file must "
                    "belong to line i of the other",
                    path, references.back().size(), o.hypotheses, lines));
  }
  return references;
}

Result compute(const Options& o) {
  const auto hypotheses = read_lines(o.hypotheses);
  const auto references = read_references(o, hypotheses.size());
  if (o.metric == ScoreMetric::kBleu) {
    BleuOptions options = o.bleu;
    options.lowercase = o.lowercase;
    const BleuScore score = corpus_bleu(hypotheses, references, options);
    return {"BLEU", bleu_signature(references.size(), options), bleu_details(score), score.score};
  }
  const ChrfOptions options{.word_order = o.metric == ScoreMetric::kChrfPlusPlus ? 2U : 0U,
                            .lowercase = o.lowercase,
                            .whitespace = o.whitespace};
  return {chrf_name(options), chrf_signature(references.size(), options), "",
          corpus_chrf(hypotheses, references, options)};
}

std::string show(const Result& result, const Options& o) {
  const std::string number = fmt::format("{:.{}f}", result.score, o.width);
  if (!o.json) {
    return fmt::format("{}|{} = {}{}{}", result.name, result.signature, number,
                       result.details.empty() ? "" : " ", result.details);
  }
  nlohmann::ordered_json object = {
      {"name", result.name}, {"score", std::stod(number)}, {"signature", result.signature}};
  if (!result.details.empty()) object["verbose_score"] = result.details;
  return object.dump();
}

void check(const Options& o) {
  if (o.width < 0 || o.width > 17) throw UsageError("--width must be from 0 to 17");
  const auto value = o.bleu.smooth_value;
  if (value && !(std::isfinite(*value) && *value >= 0)) {
    throw UsageError("--smooth-value must not be negative");
  }
}

}  // namespace
}  // namespace zoo

int main(int argc, char** argv) {
  return zoo::run_app("score", [&]() -> int {
    zoo::Options o;
    CLI::App app{"BLEU, chrF and chrF++ of translations, as sacrebleu 2.6.0 computes them"};
    zoo::add_option(app, "Files", "hypotheses", o.hypotheses, "Translations, one a line")
        ->required();
    zoo::add_option(app, "Files", "references", o.references, "What they should be, one a line")
        ->required();
    zoo::add_option(app, "Score", "metric", o.metric, "What to compute");
    zoo::add_option(app, "Score", "lowercase", o.lowercase, "Ignore case");
    zoo::add_option(app, "BLEU", "tokenize", o.bleu.tokenizer, "How lines become words");
    zoo::add_option(app, "BLEU", "smooth-method", o.bleu.smoothing, "For orders without a match");
    zoo::add_option(app, "BLEU", "smooth-value", o.bleu.smooth_value,
                    "For floor and add-k (0.1 and 1)");
    zoo::add_option(app, "BLEU", "effective-order", o.bleu.effective_order,
                    "Leave out orders longer than the text");
    zoo::add_option(app, "chrF", "whitespace", o.whitespace, "White space counts as characters");
    zoo::add_option(app, "Output", "width", o.width, "Digits after the point");
    zoo::add_option(app, "Output", "json", o.json, "Print one JSON object");
    zoo::parse(app, argc, argv);
    zoo::check(o);
    std::cout << zoo::show(zoo::compute(o), o) << "\n";
    return 0;
  });
}
