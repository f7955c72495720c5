// Scores translations, one a line, against one or more files of references:
//   score --file test.hyp --references test.fr
//   score --file test.hyp --references a.fr --references b.fr --metric chrf++ --metric ter
#include <fmt/format.h>

#include <iostream>

#include "app/cli.h"
#include "app/run_app.h"
#include "infer/scores/score_flags.h"
#include "infer/scores/score_report.h"

namespace {

using namespace zoo;

struct Options {
  std::string hypotheses;
  std::vector<std::string> references;
  bool sentence_level = false, json = false, score_only = false;
  int64_t width = 1;
};

void declare(CLI::App& app, Options& o) {
  make_required(add_option(app, "Files", "file", o.hypotheses, "Translations, one a line"));
  make_required(
      add_option(app, "Files", "references", o.references, "What they should be, one a line"));
  add_option(app, "Output", "sentence-level", o.sentence_level,
             "A score for each line instead of one for all");
  add_option(app, "Output", "width", o.width, "Digits after the point");
  add_option(app, "Output", "score-only", o.score_only, "Print nothing but the number");
  add_option(app, "Output", "json", o.json, "Print a JSON object for each score");
}

void check(const Options& o) {
  if (o.width < 0 || o.width > 17) throw UsageError("--width must be from 0 to 17");
  if (o.json && o.score_only) throw UsageError("give --json or --score-only, not both");
}

void print(const Metric& metric, const Score& score, const References& references, const Options& o,
           size_t line = 0) {
  const std::string rules = signature(metric, references);
  std::cout << (o.score_only ? fmt::format("{:.{}f}", score.value, o.width)
                : o.json     ? score_json(metric, score, rules, o.width, line)
                             : score_line(metric, score, rules, o.width))
            << '\n';
}

void print_scores(const Metric& metric, const std::vector<std::string>& hypotheses,
                  const References& references, const Options& o) {
  if (!o.sentence_level) {
    return print(metric, corpus_score(metric, hypotheses, references), references, o);
  }
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    print(metric, sentence_score(metric, hypotheses[i], references[i]), {references[i]}, o, i + 1);
  }
}

int run(const Options& o, ScoreFlags& flags) {
  if (o.sentence_level) flags.score_sentences();
  const auto metrics = flags.metrics();
  const auto hypotheses = read_scored_lines(o.hypotheses);
  const auto references = read_references(o.references, hypotheses.size(), o.hypotheses,
                                          flags.skips_empty_references());
  for (const std::string& warning : flags.warnings(hypotheses)) {
    std::cerr << "score: " << warning << '\n';
  }
  for (const auto& metric : metrics) print_scores(*metric, hypotheses, references, o);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_app("score", [&] {
    Options o;
    zoo::CommandLine app{
        "BLEU, chrF, chrF++ and TER of translations, as sacrebleu 2.6.0 computes them", "score"};
    declare(app, o);
    ScoreFlags flags(app, {ScoreMetric::kBleu});
    set_help(app,
             {"score --file test.hyp --references data/en-fr/test.fr",
              "score --file test.hyp --references a.fr --references b.fr --metric chrf++"},
             {"file", "references", "metric", "lowercase", "tokenize", "sentence-level",
              "score-only", "json"});
    parse(app, argc, argv);
    check(o);
    return run(o, flags);
  });
}
