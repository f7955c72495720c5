// parallel_text and synthetic_tasks: pairs of texts from files and from rules.
#include "train/data/parallel_text.h"

#include <gmock/gmock.h>

#include <set>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"
#include "train/data/synthetic_tasks.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zoo::testing::TemporaryFolder;

class ParallelTextTest : public ::testing::Test {
 protected:
  ParallelText read_two(std::string_view source, std::string_view target) const {
    write_file(folder_ / "train.en", source);
    write_file(folder_ / "train.fr", target);
    return read_parallel_text((folder_ / "train").string(), "en", "fr");
  }
  ParallelText read_tsv(std::string_view bytes) const {
    write_file(folder_ / "x.tsv", bytes);
    return read_parallel_text((folder_ / "x.tsv").string(), "en", "fr");
  }
  TemporaryFolder folder_;
};

TEST_F(ParallelTextTest, LinesOfTwoFilesBelongTogether) {
  const auto text = read_two("a\r\n\nc", "é\n\nd\n");  // line ends of either kind, none at the end
  EXPECT_THAT(text.sources, ElementsAre("a", "", "c"));
  EXPECT_THAT(text.targets, ElementsAre("é", "", "d"));
}

TEST_F(ParallelTextTest, ATsvHasTwoColumnsAndMayHaveMore) {
  const auto text = read_tsv("a\tb\nc\td\te\n\t\n");
  EXPECT_THAT(text.sources, ElementsAre("a", "c", ""));
  EXPECT_THAT(text.targets, ElementsAre("b", "d", ""));
}

TEST_F(ParallelTextTest, ByteOrderMarksAndLineEndsAreNoText) {
  const std::string mark = "\xEF\xBB\xBF";
  const auto two = read_two(mark + "a\r\nb\r\n", mark + "c\nd");
  EXPECT_THAT(two.sources, ElementsAre("a", "b"));
  EXPECT_THAT(two.targets, ElementsAre("c", "d"));
  const auto one = read_tsv(mark + "a\tb\r\n\r\nc\td\r\n");
  EXPECT_THAT(one.sources, ElementsAre("a", "", "c"));
  EXPECT_THAT(one.targets, ElementsAre("b", "", "d"));
}

TEST_F(ParallelTextTest, ErrorsNameFileAndLine) {
  EXPECT_THAT([&] { read_tsv("a\tb\nc d\n"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("x.tsv line 2: no tab")));
  EXPECT_THAT([&] { read_two("a\nb", "c\n\xFF"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("train.fr line 2: not valid UTF-8")));
  EXPECT_THAT([&] { read_two("a\nb\n", "c\n"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("train.en has 2 lines")));
  EXPECT_THAT([&] { read_two("", "c\n"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("train.en is empty")));
  EXPECT_THAT([&] { read_parallel_text((folder_ / "none").string(), "en", "fr"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("none.en'")));
}

TEST_F(ParallelTextTest, CleaningSaysWhatItDroppedAndWhy) {
  const std::string longer(40, 'a');
  const ParallelText text{{"ab", "ab", "", "b", longer, "aaaa", "ba"},
                          {"b", "b", "a", " ", "a", std::string(19, 'b'), "a"}};
  const CharacterTokenizer tokenizer(U"ab ");
  const CleaningOptions options{.longest = 30, .max_ratio = 2.5};
  CleaningReport report;
  const auto pairs = encode_pairs(text, {tokenizer, tokenizer, {}}, options, report);
  EXPECT_EQ(pairs.size(), 2);
  EXPECT_THAT(pairs.sources.at(1), ElementsAre(tokenizer.ids("b")[0], tokenizer.ids("a")[0]));
  EXPECT_EQ(report.text(options),
            "2 pairs; dropped 2 empty, 1 twice, 1 longer than 30 tokens, 1 of unequal length");
}

TEST_F(ParallelTextTest, WithoutRulesOnlyEmptyPairsAreDropped) {
  const ParallelText text{{"a", "a", ""}, {"b", "b", "b"}};
  const CharacterTokenizer tokenizer(U"ab");
  CleaningReport report;
  const PostTemplate around({1}, {0, 1});
  const auto pairs =
      encode_pairs(text, {tokenizer, tokenizer, around}, {.duplicates = true}, report);
  EXPECT_EQ(pairs.size(), 2);
  EXPECT_THAT(pairs.sources.at(0), ElementsAre(1, tokenizer.ids("a")[0], 0, 1));
  EXPECT_THAT(pairs.targets.at(0), ElementsAre(tokenizer.ids("b")[0]));
  EXPECT_EQ(report.text({}), "2 pairs; dropped 1 empty");
}

TEST(SyntheticTaskTest, AnswersByHand) {
  EXPECT_EQ(synthetic_answer(SyntheticTask::kCopy, "3a1"), "3a1");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kReverse, "3a1"), "1a3");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kSort, "Ba3bA1"), "13abAB");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kAdd, "27+15"), "42");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kAdd, "999+1"), "1000");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kAdd, "0+0"), "0");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kNeedle, "hay7st"), "7");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kRecall, "a3k7m1=k7=m1=a"), "3");
  EXPECT_EQ(synthetic_answer(SyntheticTask::kRecall, "b0=b"), "0");
}

TEST(SyntheticTaskTest, ExamplesFollowTheirOptions) {
  for (const auto& [task, name] : EnumNames<SyntheticTask>::values) {
    if (task == SyntheticTask::kNone) continue;
    const SyntheticOptions options{.task = task,
                                   .classes = 5,
                                   .length = 9,
                                   .min_length = 2,
                                   .examples = 300,
                                   .validation = 10};
    const auto text = synthetic_text(options, false, 1);
    EXPECT_EQ(text.size(), 300);
    const std::u32string alphabet = synthetic_alphabet(options);
    for (size_t i = 0; i < text.sources.size(); ++i) {
      EXPECT_EQ(text.targets[i], synthetic_answer(task, text.sources[i]));
      for (const char c : text.sources[i] + text.targets[i]) {
        EXPECT_NE(alphabet.find(static_cast<char32_t>(c)), std::u32string::npos) << name << c;
      }
      if (task != SyntheticTask::kAdd) {
        EXPECT_GE(text.sources[i].size(), 2U);
        EXPECT_LE(text.sources[i].size(), 9U);
      }
    }
  }
}

TEST(SyntheticTaskTest, ANeedleIsOneDigitAtAnyPlace) {
  const SyntheticOptions options{.task = SyntheticTask::kNeedle,
                                 .classes = 4,
                                 .length = 5,
                                 .examples = 400,
                                 .validation = 100};
  std::set<size_t> places;
  std::set<std::string> answers;
  const auto text = synthetic_text(options, false, 1);
  for (size_t i = 0; i < text.sources.size(); ++i) {
    const auto& source = text.sources[i];
    ASSERT_EQ(source.find_first_not_of("abcd0123456789"), std::string::npos) << source;
    const size_t place = source.find_first_of("0123456789");
    ASSERT_NE(place, std::string::npos);
    EXPECT_EQ(source.find_first_of("0123456789", place + 1), std::string::npos) << source;
    places.insert(place);
    answers.insert(text.targets[i]);
  }
  EXPECT_EQ(places.size(), 5U);
  EXPECT_EQ(answers.size(), 10U);
}

TEST(SyntheticTaskTest, RecallAsksForEachOfDifferentLetters) {
  const SyntheticOptions options{
      .task = SyntheticTask::kRecall, .classes = 5, .length = 14, .min_length = 4, .examples = 400};
  std::set<size_t> sizes, last_asked;
  const auto text = synthetic_text(options, false, 1);
  for (const auto& source : text.sources) {
    ASSERT_EQ(source.size() % 5, 4U) << source;
    const size_t pairs = (source.size() + 1) / 5;
    std::multiset<char> letters;
    for (size_t i = 0; i < 2 * pairs; i += 2) {
      letters.insert(source[i]);
      EXPECT_NE(std::string("0123456789").find(source[i + 1]), std::string::npos) << source;
    }
    const std::set<char> different(letters.begin(), letters.end());
    EXPECT_EQ(different.size(), pairs) << source;
    for (size_t i = 2 * pairs; i < source.size(); i += 3) {
      EXPECT_EQ(source[i], '=') << source;
      const char asked = source[i + 1];
      EXPECT_TRUE(different.contains(asked)) << source;
      if (i + 2 < source.size()) EXPECT_EQ(source[i + 2], source[source.find(asked) + 1]) << source;
    }
    sizes.insert(source.size());
    if (pairs == 3) last_asked.insert(source.find(source.back()));
  }
  EXPECT_EQ(sizes, (std::set<size_t>{4, 9, 14}));
  EXPECT_EQ(last_asked, (std::set<size_t>{0, 2, 4}));
  SyntheticOptions too_long = options;
  too_long.length = 29;  // six pairs of five letters
  EXPECT_THROW(check(too_long), std::invalid_argument);
}

TEST(SyntheticTaskTest, TrainingAndValidationShareNoSource) {
  const SyntheticOptions options{.task = SyntheticTask::kCopy,
                                 .classes = 4,
                                 .length = 6,
                                 .examples = 20000,
                                 .validation = 200};
  const auto train = synthetic_text(options, false, 1), val = synthetic_text(options, true, 1);
  const std::set<std::string> seen(train.sources.begin(), train.sources.end());
  EXPECT_GT(seen.size(), 3000U);  // nearly all of the 7/8 of 4096
  EXPECT_EQ(val.size(), 200);
  for (const auto& source : val.sources) EXPECT_EQ(seen.count(source), 0U) << source;
  // Another seed does not move a source to the other side.
  for (const auto& source : synthetic_text(options, true, 2).sources) {
    EXPECT_EQ(seen.count(source), 0U) << source;
  }
}

TEST(SyntheticTaskTest, TheSeedDecides) {
  const SyntheticOptions options{.task = SyntheticTask::kAdd, .length = 3, .examples = 50};
  EXPECT_EQ(synthetic_text(options, false, 1).sources, synthetic_text(options, false, 1).sources);
  EXPECT_NE(synthetic_text(options, false, 1).sources, synthetic_text(options, false, 2).sources);
}

TEST(SyntheticTaskTest, RefusesOptionsOutOfRange) {
  const auto refused = [](SyntheticOptions options) {
    options.task = SyntheticTask::kCopy;
    return [options] { check(options); };
  };
  const auto says = [](const char* text) {
    return ThrowsMessage<std::invalid_argument>(HasSubstr(text));
  };
  EXPECT_THAT(refused({.classes = 63}), says("task-classes must be 1 to 62, got 63"));
  EXPECT_THAT(refused({.length = 0}), says("task-length must be 1 or more"));
  EXPECT_THAT(refused({.length = 4, .min_length = 5}), says("task-min-length"));
  EXPECT_THAT(refused({.examples = 0}), says("task-examples"));
  EXPECT_THAT(refused({.classes = 2, .length = 4, .validation = 2}), says("task-validation"));
  EXPECT_NO_THROW(refused({.classes = 2, .length = 4, .validation = 1})());
}

}  // namespace
}  // namespace zoo
