// Counting words: the same in any number of threads, line by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/stages/normalizer.h"
#include "tokenizers/stages/pre_tokenizer.h"
#include "tokenizers/training/word_counts.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

using Counts = std::map<std::string, uint64_t>;

Counts to_map(const WordCounts& words) {
  Counts counts;
  for (size_t i = 0; i < words.size(); ++i) {
    EXPECT_TRUE(counts.emplace(words.word(i), words.count(i)).second) << words.word(i);
  }
  return counts;
}

/// Cuts at spaces, and says no to "forbidden".
class SpaceSplitter : public PreTokenizer {
 public:
  void apply(PreTokens& pre) const override {
    const std::string& text = pre.text.text();
    pre.words.clear();
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      if (end > begin) pre.words.push_back({begin, end});
      if (text.substr(begin, end - begin) == "forbidden") throw std::runtime_error("no such word");
      begin = end + 1;
    }
  }
};

Counts count(const std::string& text, int threads, const BytesRead& told = nullptr,
             size_t block = 64) {
  const testing::TemporaryFolder folder;
  testing::write_quickly(folder / "text", text);
  TrainingText pieces({folder / "text"}, TrainingText::Pieces::kWholeLines, block);
  const SpaceSplitter splitter;
  return to_map(count_words(pieces, nullptr, &splitter, threads, told));
}

TEST(WordCountsTest, AddsUpWhatIsEqualByteForByte) {
  WordCounts words;
  words.add("a");
  words.add(std::string_view("a\0", 2), 3);
  words.add("");
  words.add("a", 4);
  WordCounts more;
  more.add("a");
  more.add("\xFF");
  words.add(more);
  EXPECT_THAT(to_map(words), ElementsAre(Pair("", 1), Pair("a", 6), Pair(std::string("a\0", 2), 3),
                                         Pair("\xFF", 1)));
}

TEST(WordCountsTest, KeepsManyWordsApart) {
  WordCounts words;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100'000; ++i) words.add(std::to_string(i), 2);
  }
  const Counts counts = to_map(words);
  ASSERT_EQ(counts.size(), 100'000u);
  for (const auto& [word, times] : counts) ASSERT_EQ(times, 6u) << word;
}

TEST(CountWordsTest, LinesKeepTheirLineFeed) {
  EXPECT_THAT(count("a b\n\nb\r\na b", 1), ElementsAre(Pair("\n", 1), Pair("a", 2), Pair("b", 1),
                                                       Pair("b\n", 1), Pair("b\r\n", 1)));
}

TEST(CountWordsTest, AnyNumberOfThreadsGivesTheSameCounts) {
  const std::string text = testing::small_text();
  const Counts one = count(text, 1);
  EXPECT_GT(one.size(), 200u);
  for (const int threads : {2, 3, 16}) EXPECT_EQ(count(text, threads), one);
}

TEST(CountWordsTest, LinesOfAnyLengthAreNeverCut) {
  std::string line(300'000, 'x');
  EXPECT_THAT(count("a\n" + line + "\nb " + line, 2, nullptr, 16),
              ElementsAre(Pair("a\n", 1), Pair("b", 1), Pair(line, 1), Pair(line + "\n", 1)));
}

TEST(CountWordsTest, WithoutAPreTokenizerALineIsAWord) {
  const testing::TemporaryFolder folder;
  testing::write_quickly(folder / "text", "a b\na b\n");
  TrainingText text({folder / "text"}, TrainingText::Pieces::kWholeLines);
  EXPECT_THAT(to_map(count_words(text, nullptr, nullptr, 2)), ElementsAre(Pair("a b\n", 2)));
}

TEST(CountWordsTest, TellsHowFarItIsUpToTheEnd) {
  uint64_t last = 0;
  const std::string text = testing::small_text();
  count(text, 3, [&](uint64_t bytes) {
    EXPECT_GT(bytes, last);
    last = bytes;
  });
  EXPECT_EQ(last, text.size());
}

TEST(CountWordsTest, WhatIsThrownInAThreadArrives) {
  const std::string text = testing::small_text();
  for (const int threads : {1, 4}) {
    EXPECT_THAT([&] { count(text + "a forbidden word\n" + text, threads); },
                ThrowsMessage<std::runtime_error>("no such word"));
    EXPECT_THAT([&] { count(text, threads, [](uint64_t) { throw std::runtime_error("stop"); }); },
                ThrowsMessage<std::runtime_error>("stop"));
    EXPECT_THAT([&] { count(text + "\xFF", threads); },
                ThrowsMessage<std::runtime_error>(HasSubstr("not valid UTF-8")));
  }
}

TEST(CountWordsTest, TheFirstFaultIsTheOneThatIsTold) {
  const testing::TemporaryFolder folder;
  testing::write_quickly(folder / "wide.txt", std::string("\xFF\xFEg\0o\0\n\0", 8));
  for (int round = 0; round < 100; ++round) {  // whichever thread comes next
    TrainingText text({folder / "wide.txt"}, TrainingText::Pieces::kWholeLines);
    EXPECT_THAT([&] { count_words(text, nullptr, nullptr, 4); },
                ThrowsMessage<std::runtime_error>(HasSubstr("is UTF-16, expected UTF-8")));
  }
}

}  // namespace
}  // namespace zoo
