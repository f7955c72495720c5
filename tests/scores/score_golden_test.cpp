// All numbers and signatures of tests/golden/scores.json, which sacrebleu made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/files.h"
#include "infer/scores/bleu.h"
#include "infer/scores/chrf.h"

namespace zoo {
namespace {

using nlohmann::json;
using Lists = std::vector<std::vector<std::string>>;

const json& golden() {
  static const json scores = json::parse(read_file("tests/golden/scores.json"));
  return scores;
}

std::vector<std::string> column(size_t index) {
  std::vector<std::string> texts;
  for (const json& line : golden()["lines"]) texts.push_back(line[index]);
  return texts;
}

Lists references_of_case(const json& wanted) {
  Lists lists;
  for (const size_t index : wanted["references"]) lists.push_back(column(index));
  return lists;
}

std::vector<std::string> at_line(const Lists& lists, size_t line) {
  std::vector<std::string> texts;
  for (const auto& list : lists) texts.push_back(list[line]);
  return texts;
}

/// The reference's version of a signature: ours says who computed it.
std::string reference_signature(std::string ours) {
  const size_t mark = ours.find("+zoo");
  EXPECT_NE(mark, std::string::npos) << ours;
  return ours.erase(mark, 4);
}

BleuOptions bleu_options(const json& o) {
  BleuOptions options{.tokenizer = parse_enum<BleuTokenizer>(o.value("tokenize", "13a")),
                      .smoothing = parse_enum<BleuSmoothing>(o.value("smooth_method", "exp")),
                      .lowercase = o.value("lowercase", false),
                      .effective_order = o.value("effective_order", false)};
  if (o.contains("smooth_value")) options.smooth_value = o["smooth_value"].get<double>();
  return options;
}

ChrfOptions chrf_options(const json& o) {
  return {.character_order = o.value("char_order", size_t{6}),
          .word_order = o.value("word_order", size_t{0}),
          .beta = o.value("beta", 2.0),
          .lowercase = o.value("lowercase", false),
          .whitespace = o.value("whitespace", false),
          .epsilon = o.value("eps_smoothing", false)};
}

TEST(ScoreGoldenTest, BleuIsSacrebleus) {
  const auto hypotheses = column(0);
  for (const json& wanted : golden()["bleu"]) {
    const BleuOptions options = bleu_options(wanted["options"]);
    const Lists references = references_of_case(wanted);
    const BleuScore corpus = corpus_bleu(hypotheses, references, options);
    EXPECT_DOUBLE_EQ(corpus.score, wanted["corpus"].get<double>()) << wanted["options"];
    const std::string signature = reference_signature(bleu_signature(references.size(), options));
    EXPECT_EQ(signature, wanted["signature"]);
    EXPECT_THAT(wanted["line"].get<std::string>(), ::testing::EndsWith(" " + bleu_details(corpus)));
    for (size_t i = 0; i < hypotheses.size(); ++i) {
      EXPECT_DOUBLE_EQ(sentence_bleu(hypotheses[i], at_line(references, i), options).score,
                       wanted["sentences"][i].get<double>())
          << wanted["options"] << " line " << i;
    }
  }
}

TEST(ScoreGoldenTest, ChrfIsSacrebleus) {
  const auto hypotheses = column(0);
  for (const json& wanted : golden()["chrf"]) {
    const ChrfOptions options = chrf_options(wanted["options"]);
    const Lists references = references_of_case(wanted);
    EXPECT_DOUBLE_EQ(corpus_chrf(hypotheses, references, options), wanted["corpus"].get<double>())
        << wanted["options"];
    const std::string signature = reference_signature(chrf_signature(references.size(), options));
    EXPECT_EQ(signature, wanted["signature"]);
    EXPECT_THAT(wanted["line"].get<std::string>(),
                ::testing::StartsWith(chrf_name(options) + "|" + signature + " = "));
    for (size_t i = 0; i < hypotheses.size(); ++i) {
      EXPECT_DOUBLE_EQ(sentence_chrf(hypotheses[i], at_line(references, i), options),
                       wanted["sentences"][i].get<double>())
          << wanted["options"] << " line " << i;
    }
  }
}

}  // namespace
}  // namespace zoo
