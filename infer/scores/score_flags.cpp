#include "infer/scores/score_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/cli.h"
#include "base/usage_error.h"

namespace zoo {

template <class T>
void ScoreFlags::add(CLI::App& app, const std::string& group, int readers, const std::string& name,
                     T& field, const std::string& help) {
  flags_.push_back({add_option(app, group, name, field, help), readers});
}

ScoreFlags::ScoreFlags(CLI::App& app, std::vector<ScoreMetric> metrics)
    : metrics_(std::move(metrics)) {
  // Two names: on sacrebleu's command line, and in its Python classes.
  add(app, "Score", kByAll, "metric", metrics_,
      "What to compute (" + known_names<ScoreMetric>() + ")");
  add(app, "Score", kByBleu | kByChrf, "lowercase", lowercase_, "Ignore case (TER always does)");
  add(app, "Score", kByAll, "skip-empty-references", skip_empty_references_,
      "An empty line of references means that this line has one reference less");
  add(app, "BLEU", kByBleu, "tokenize", bleu_.tokenizer, "How lines are split into words");
  add(app, "BLEU", kByBleu, "max-ngram-order", bleu_.max_order, "Longest n-gram of words");
  add(app, "BLEU", kByBleu, "smooth-method", bleu_.smoothing,
      "What an order without a match counts");
  add(app, "BLEU", kByBleu, "smooth-value", bleu_.smooth_value,
      "Value of --smooth-method floor and add-k (0.1 and 1)");
  add(app, "BLEU", kByBleu, "effective-order", bleu_.effective_order,
      "Omit orders longer than the text");
  add(app, "BLEU", kByBleu, "force", force_, "No warning if the text looks tokenized");
  add(app, "chrF", kByChrf, "chrf-char-order,--char-order", chrf_.character_order,
      "Longest n-gram of characters");
  add(app, "chrF", kByChrf, "chrf-word-order,--word-order", word_order_,
      "Longest n-gram of words (0, and 2 for chrf++)");
  add(app, "chrF", kByChrf, "chrf-beta,--beta", chrf_.beta,
      "Weight of recall, relative to precision");
  add(app, "chrF", kByChrf, "chrf-whitespace,--whitespace", chrf_.whitespace,
      "White space counts as characters");
  add(app, "chrF", kByChrf, "chrf-eps-smoothing,--eps-smoothing", chrf_.epsilon,
      "Mean of the orders' F-scores, like chrF++.py, NLTK and Moses");
  add(app, "TER", kByTer, "ter-normalized,--normalized", ter_.normalized,
      "Separate punctuation from words");
  add(app, "TER", kByTer, "ter-no-punct,--no-punct", ter_.no_punctuation, "Omit punctuation");
  add(app, "TER", kByTer, "ter-asian-support,--asian-support", ter_.asian_support,
      "Both also for Chinese and Japanese");
  add(app, "TER", kByTer, "ter-case-sensitive,--case-sensitive", ter_.case_sensitive,
      "Case matters");
}

std::unique_ptr<Metric> ScoreFlags::make(ScoreMetric metric) const {
  if (metric == ScoreMetric::kBleu) {
    BleuOptions options = bleu_;
    options.lowercase = lowercase_;
    return std::make_unique<Bleu>(options);
  }
  if (metric == ScoreMetric::kTer) return std::make_unique<Ter>(ter_);
  ChrfOptions options = chrf_;
  options.lowercase = lowercase_;
  options.word_order = word_order_.value_or(metric == ScoreMetric::kChrfPlusPlus ? 2 : 0);
  return std::make_unique<Chrf>(options);
}

std::vector<std::unique_ptr<Metric>> ScoreFlags::metrics() const {
  if (metrics_.empty()) throw UsageError("--metric needs at least one metric");
  const auto value = bleu_.smooth_value;
  if (value && !(std::isfinite(*value) && *value >= 0)) {
    throw UsageError("--smooth-value must not be negative");
  }
  std::vector<std::unique_ptr<Metric>> made;
  try {
    for (const ScoreMetric metric : metrics_) made.push_back(make(metric));
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  return made;
}

std::vector<std::string> ScoreFlags::given() const {
  std::vector<std::string> names;
  for (const Flag& flag : flags_) {
    if (flag.option->count() > 0) names.push_back("--" + flag.option->get_lnames().front());
  }
  return names;
}

int ScoreFlags::readers() const {
  int readers = 0;
  for (const ScoreMetric metric : metrics_) {
    readers |= metric == ScoreMetric::kBleu  ? kByBleu
               : metric == ScoreMetric::kTer ? kByTer
                                             : kByChrf;
  }
  return readers;
}

std::vector<std::string> ScoreFlags::warnings(const std::vector<std::string>& hypotheses) const {
  std::vector<std::string> list;
  for (const Flag& flag : flags_) {
    if (flag.option->count() == 0 || (flag.readers & readers()) != 0) continue;
    list.push_back(
        fmt::format("--{} has no effect on the chosen metrics", flag.option->get_lnames().front()));
  }
  const bool uses_value =
      bleu_.smoothing == BleuSmoothing::kFloor || bleu_.smoothing == BleuSmoothing::kAddK;
  if ((readers() & kByBleu) != 0 && bleu_.smooth_value && !uses_value) {
    list.push_back("--smooth-value has no effect: it is for --smooth-method floor and add-k");
  }
  if (ter_.asian_support && !ter_.normalized && !ter_.no_punctuation) {
    list.push_back("--ter-asian-support has no effect without --ter-normalized or --ter-no-punct");
  }
  const auto tokenized = std::ranges::count_if(
      hypotheses, [](const std::string& line) { return line.ends_with(" ."); });
  if ((readers() & kByBleu) != 0 && !force_ && tokenized >= 100) {
    list.push_back(
        fmt::format("{} lines end in a full stop after a space: BLEU tokenizes by itself and "
                    "needs detokenized text; detokenize it, or give --force",
                    tokenized));
  }
  return list;
}

}  // namespace zoo
