#include "infer/scores/bleu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "infer/scores/score_text.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using Texts = std::vector<std::string>;

Texts bleu_words_of(std::string_view text, BleuTokenizer tokenizer) {
  Texts list;
  for (const auto& word : bleu_words(text, tokenizer)) list.push_back(to_utf8(word));
  return list;
}

Score bleu(const Texts& hypotheses, const References& references, const BleuOptions& o = {}) {
  return corpus_score(Bleu(o), hypotheses, references);
}

TEST(BleuTest, PapinenisExampleClipsTheMatches) {
  const Texts references{"The cat is on the mat", "There is a cat on the mat"};
  const auto counts =
      Bleu({.lowercase = true, .max_order = 1}).count("the the the the the the the", references);
  EXPECT_THAT(counts, ElementsAre(7, 7, 2, 7));  // §2.1.1: at most twice in a reference
}

TEST(BleuTest, TheExactTranslationHas100) {
  EXPECT_DOUBLE_EQ(bleu({"a b c d e"}, {{"a b c d e"}}).value, 100.0);
}

TEST(BleuTest, AShortTextPaysTheBrevityPenalty) {
  EXPECT_DOUBLE_EQ(bleu({"a b c d"}, {{"a b c d e f g h"}}).value, 100 * std::exp(-1.0));
}

TEST(BleuTest, TheNearestReferenceGivesTheLengthAndTheShorterOfTwo) {
  EXPECT_EQ(Bleu().count("a b c d", Texts{"a b c d e", "a b c", "a"})[1], 3);
  EXPECT_EQ(Bleu().count("", Texts{"", "a b"})[1], 0);
}

TEST(BleuTest, ExponentialSmoothingHalvesFromOrderToOrder) {
  // 2/4, then half a match of three, a quarter of two, an eighth of one.
  EXPECT_THAT(bleu({"a x b y"}, {{"a b c d"}}).details, StartsWith("50.0/16.7/12.5/12.5 (BP"));
}

TEST(BleuTest, OneWordHasAScoreWithEffectiveOrderAlone) {
  EXPECT_LT(bleu({"yes"}, {{"yes"}}).value, 1e-6);
  EXPECT_DOUBLE_EQ(bleu({"yes"}, {{"yes"}}, {.effective_order = true}).value, 100);
}

TEST(BleuTest, TheLongestRunIsAChoice) {
  EXPECT_DOUBLE_EQ(bleu({"a x b y"}, {{"a b c d"}}, {.max_order = 1}).value, 50);
  EXPECT_THAT(bleu({"a b"}, {{"a b"}}, {.max_order = 2}).details, StartsWith("100.0/100.0 (BP"));
  EXPECT_THROW(Bleu({.max_order = 0}), std::invalid_argument);
}

TEST(BleuTest, TokenizersPartWhatTheirRulesSay) {
  EXPECT_THAT(bleu_words_of("(1,000.5-2), x.", BleuTokenizer::k13a),
              ElementsAre("(", "1,000.5", "-", "2", ")", ",", "x", "."));
  EXPECT_THAT(bleu_words_of("a&lt;b «c»", BleuTokenizer::k13a), ElementsAre("a", "<", "b", "«c»"));
  EXPECT_THAT(bleu_words_of("a&lt; «c»€ 1.", BleuTokenizer::kIntl),
              ElementsAre("a", "&", "lt", ";", "«", "c", "»", "€", "1."));
  EXPECT_THAT(bleu_words_of(" é x", BleuTokenizer::kChar), ElementsAre("é", "x"));
  EXPECT_THAT(bleu_words_of("“你好”2020年 a.", BleuTokenizer::kZh),
              ElementsAre("“", "你", "好", "”", "2020", "年", "a", "."));
  EXPECT_THAT(bleu_words_of("5.", BleuTokenizer::kZh), ElementsAre("5."));  // 13a parts this one
  EXPECT_THAT(bleu_words_of(" a.b  c,", BleuTokenizer::kNone), ElementsAre("a.b", "c,"));
}

TEST(BleuTest, RefusesTokenizersThatCannotBeHad) {
  for (const auto tokenizer : {BleuTokenizer::kSpm, BleuTokenizer::kFlores101,
                               BleuTokenizer::kFlores200, BleuTokenizer::kSpBleu1K}) {
    EXPECT_THAT([&] { Bleu({.tokenizer = tokenizer}); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("must be downloaded")));
  }
  EXPECT_THAT([] { Bleu({.tokenizer = BleuTokenizer::kKoMecab}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("needs MeCab-ko")));
}

}  // namespace
}  // namespace zoo
