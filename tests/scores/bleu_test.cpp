#include "infer/scores/bleu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "infer/scores/score_text.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Texts = std::vector<std::string>;

Texts words(std::string_view text, BleuTokenizer tokenizer) {
  Texts list;
  for (const auto& word : bleu_words(text, tokenizer)) list.push_back(to_utf8(word));
  return list;
}

TEST(BleuTest, PapinenisExampleClipsTheMatches) {
  const Texts references{"The cat is on the mat", "There is a cat on the mat"};
  const auto counts = count_bleu("the the the the the the the", references, {.lowercase = true});
  EXPECT_EQ(counts.correct[0], 2);  // §2.1.1: "the" stands at most twice in a reference
  EXPECT_EQ(counts.total[0], 7);
}

TEST(BleuTest, TheExactTranslationHas100) {
  EXPECT_DOUBLE_EQ(corpus_bleu(Texts{"a b c d e"}, {{"a b c d e"}}).score, 100.0);
}

TEST(BleuTest, AShortTextPaysTheBrevityPenalty) {
  const BleuScore score = corpus_bleu(Texts{"a b c d"}, {{"a b c d e f g h"}});
  EXPECT_DOUBLE_EQ(score.brevity_penalty, std::exp(-1.0));
  EXPECT_DOUBLE_EQ(score.score, 100 * std::exp(-1.0));
}

TEST(BleuTest, TheNearestReferenceGivesTheLengthAndTheShorterOfTwo) {
  EXPECT_EQ(count_bleu("a b c d", Texts{"a b c d e", "a b c", "a"}).reference_length, 3);
  EXPECT_EQ(count_bleu("", Texts{"", "a b"}).reference_length, 0);
}

TEST(BleuTest, ExponentialSmoothingHalvesFromOrderToOrder) {
  const auto score = sentence_bleu("a x b y", Texts{"a b c d"});
  EXPECT_THAT(score.precisions, ElementsAre(50, 100.0 / 6, 100.0 / 8, 100.0 / 8));
}

TEST(BleuTest, OneWordHasAScoreWithEffectiveOrderAlone) {
  EXPECT_LT(sentence_bleu("yes", Texts{"yes"}).score, 1e-6);
  EXPECT_DOUBLE_EQ(sentence_bleu("yes", Texts{"yes"}, {.effective_order = true}).score, 100);
}

TEST(BleuTest, TokenizersPartWhatTheirRulesSay) {
  EXPECT_THAT(words("(1,000.5-2), x.", BleuTokenizer::k13a),
              ElementsAre("(", "1,000.5", "-", "2", ")", ",", "x", "."));
  EXPECT_THAT(words("a&lt;b «c»", BleuTokenizer::k13a), ElementsAre("a", "<", "b", "«c»"));
  EXPECT_THAT(words("a&lt; «c»€ 1.", BleuTokenizer::kIntl),
              ElementsAre("a", "&", "lt", ";", "«", "c", "»", "€", "1."));
  EXPECT_THAT(words(" é x", BleuTokenizer::kChar), ElementsAre("é", "x"));
  EXPECT_THAT(words(" a.b  c,", BleuTokenizer::kNone), ElementsAre("a.b", "c,"));
}

TEST(BleuTest, RefusesListsThatDoNotMatch) {
  EXPECT_THAT(
      [] {
        corpus_bleu(Texts{"a", "b"}, {{"a", "b"}, {"a"}});
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("list 2 has 1 and there are 2")));
  EXPECT_THROW(corpus_bleu(Texts{}, {{}}), std::invalid_argument);
  EXPECT_THROW(corpus_bleu(Texts{"a"}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace zoo
