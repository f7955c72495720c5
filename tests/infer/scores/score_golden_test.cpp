// All numbers and signatures of tests/golden/scores.json, which sacrebleu made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "infer/scores/bleu.h"
#include "infer/scores/chrf.h"
#include "infer/scores/score_report.h"
#include "infer/scores/ter.h"

namespace zoo {
namespace {

using nlohmann::json;

const json& golden() {
  static const json scores = json::parse(read_file("tests/golden/scores.json"));
  return scores;
}

std::vector<std::string> column(size_t index) {
  std::vector<std::string> texts;
  for (const json& line : golden()["lines"]) texts.push_back(line[index]);
  return texts;
}

References references_of_case(const json& wanted) {
  std::vector<std::vector<std::string>> lists;
  for (const size_t index : wanted["references"]) lists.push_back(column(index));
  return references_by_line(lists);
}

/// The reference's version of a line or signature: ours says who computed it.
std::string without_zoo(std::string ours) {
  const size_t mark = ours.find("+zoo");
  EXPECT_NE(mark, std::string::npos) << ours;
  return ours.erase(mark, 4);
}

std::unique_ptr<Metric> bleu_metric(const json& o) {
  BleuOptions options{.tokenizer = parse_enum<BleuTokenizer>(o.value("tokenize", "13a")),
                      .smoothing = parse_enum<BleuSmoothing>(o.value("smooth_method", "exp")),
                      .lowercase = o.value("lowercase", false),
                      .effective_order = o.value("effective_order", false),
                      .max_order = o.value("max_ngram_order", int64_t{4})};
  if (o.contains("smooth_value")) options.smooth_value = o["smooth_value"].get<double>();
  return std::make_unique<Bleu>(options);
}

std::unique_ptr<Metric> chrf_metric(const json& o) {
  return std::make_unique<Chrf>(ChrfOptions{.character_order = o.value("char_order", int64_t{6}),
                                            .word_order = o.value("word_order", int64_t{0}),
                                            .beta = o.value("beta", 2.0),
                                            .lowercase = o.value("lowercase", false),
                                            .whitespace = o.value("whitespace", false),
                                            .epsilon = o.value("eps_smoothing", false)});
}

std::unique_ptr<Metric> ter_metric(const json& o) {
  return std::make_unique<Ter>(TerOptions{.normalized = o["normalized"],
                                          .no_punctuation = o["no_punct"],
                                          .asian_support = o["asian_support"],
                                          .case_sensitive = o["case_sensitive"]});
}

bool is_japanese(const json& options) { return options.value("tokenize", "") == "ja-mecab"; }

void expect_same(const Metric& metric, const json& wanted) {
  SCOPED_TRACE(wanted["options"].dump());
  const auto hypotheses = column(0);
  const References references = references_of_case(wanted);
  const Score corpus = corpus_score(metric, hypotheses, references);
  EXPECT_DOUBLE_EQ(corpus.value, wanted["corpus"].get<double>());
  const std::string rules = signature(metric, references);
  EXPECT_EQ(without_zoo(rules), wanted["signature"]);
  EXPECT_EQ(without_zoo(score_line(metric, corpus, rules, 3)), wanted["line"]);
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    EXPECT_DOUBLE_EQ(sentence_score(metric, hypotheses[i], references[i]).value,
                     wanted["sentences"][i].get<double>())
        << "line " << i;
  }
}

TEST(ScoreGoldenTest, BleuIsSacrebleus) {
  for (const json& wanted : golden()["bleu"]) {
    if (!is_japanese(wanted["options"])) expect_same(*bleu_metric(wanted["options"]), wanted);
  }
}

TEST(ScoreGoldenTest, JapaneseBleuIsSacrebleus) {
  try {
    require_tokenizer(BleuTokenizer::kJaMecab);
  } catch (const std::invalid_argument& error) {
    GTEST_SKIP() << error.what();
  }
  for (const json& wanted : golden()["bleu"]) {
    if (is_japanese(wanted["options"])) expect_same(*bleu_metric(wanted["options"]), wanted);
  }
}

TEST(ScoreGoldenTest, ChrfIsSacrebleus) {
  for (const json& wanted : golden()["chrf"]) expect_same(*chrf_metric(wanted["options"]), wanted);
}

TEST(ScoreGoldenTest, TerIsSacrebleus) {
  for (const json& wanted : golden()["ter"]) expect_same(*ter_metric(wanted["options"]), wanted);
}

}  // namespace
}  // namespace zoo
