#include "infer/scores/metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infer/scores/bleu.h"
#include "infer/scores/ter.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Texts = std::vector<std::string>;

TEST(MetricTest, ACorpusIsTheSumOfItsLines) {
  // One edit in four words, none in one: 1/5, not the mean of 1/4 and 0.
  EXPECT_DOUBLE_EQ(corpus_score(Ter(), Texts{"a b c x", "a"}, {{"a b c d"}, {"a"}}).value, 20);
}

TEST(MetricTest, ListsBecomeLines) {
  EXPECT_THAT(references_by_line({{"a", "b"}, {"c", ""}}),
              ElementsAre(ElementsAre("a", "c"), ElementsAre("b", "")));
  EXPECT_THAT(references_by_line({{"a", "b"}, {"c", ""}}, /*skip_empty=*/true),
              ElementsAre(ElementsAre("a", "c"), ElementsAre("b")));
  EXPECT_THAT(
      [] {
        references_by_line({{"a", "b"}, {"a"}});
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("list 2 has 1")));
}

TEST(MetricTest, AMissingReferenceIsNoEmptyText) {
  const Texts hypotheses{"a b c", "d e f"};
  const auto with = references_by_line({{"a b c", "x"}, {"z", ""}});
  const auto without = references_by_line({{"a b c", "x"}, {"z", ""}}, true);
  EXPECT_GT(corpus_score(Ter(), hypotheses, with).value,
            corpus_score(Ter(), hypotheses, without).value);  // mean lengths 0.5 and 1
  EXPECT_THAT(signature(Ter(), with), HasSubstr("nrefs:2|"));
  EXPECT_THAT(signature(Ter(), without), HasSubstr("nrefs:var|"));
}

TEST(MetricTest, RefusesLinesThatDoNotMatch) {
  const Texts two{"a", "b"};
  EXPECT_THAT([&] { corpus_score(Bleu(), two, {{"a"}}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("there are 1 and 2")));
  EXPECT_THAT(
      [&] {
        corpus_score(Bleu(), two, {{"a"}, {}});
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("line 2 has no reference")));
  EXPECT_THROW(corpus_score(Bleu(), Texts{}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace zoo
