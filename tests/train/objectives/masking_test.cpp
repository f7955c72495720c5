#include "train/objectives/masking.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/training/trainers.h"
#include "train/data/masked_text_batches.h"
#include "train/data/sentence_examples.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

class MaskingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (const char* line : {"aa ab ac ad", "ba bb bc bd", "ca cb cc cd", "da db dc dd"})
      for (int n = 0; n < 10; ++n) text += std::string(line) + "\n\n";
    write_file(file(), text);
    tokenizer_ = train_tokenizer({.kind = TokenizerKind::kWordPiece, .vocab_size = 60}, {file()});
  }
  std::string file() const { return (folder_ / "text.txt").string(); }
  /// [CLS], `count` ordinary tokens in words of two, [SEP]
  void make_text(int32_t count) {
    const MaskingVocabulary vocabulary(*tokenizer_);
    const auto& ordinary = vocabulary.ordinary();
    tokens_ = {*tokenizer_->cls_id()};
    words_ = {0};
    for (int32_t i = 0; i < count; ++i) {
      tokens_.push_back(ordinary[static_cast<size_t>(i) % ordinary.size()]);
      words_.push_back(1 + i / 2);
    }
    tokens_.push_back(*tokenizer_->sep_id());
    words_.push_back(count);
  }
  MaskedSequence masked(const MaskingOptions& options, const MaskingDraw& draw) const {
    return mask_tokens(tokens_, words_, MaskingVocabulary(*tokenizer_), options, draw);
  }
  testing::TemporaryFolder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<int32_t> tokens_, words_;
};

TEST_F(MaskingTest, ChoosesAndCorruptsTheSharesOfThePaper) {
  make_text(20000);
  const auto sequence = masked({}, {.seed = 1});
  double chosen = 0, hidden = 0, kept = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (sequence.labels[i] == kIgnored) {
      EXPECT_EQ(sequence.tokens[i], tokens_[i]);
      continue;
    }
    EXPECT_EQ(sequence.labels[i], tokens_[i]);
    ++chosen;
    hidden += sequence.tokens[i] == *tokenizer_->mask_id();
    kept += sequence.tokens[i] == tokens_[i];
  }
  EXPECT_EQ(chosen, 3000);
  EXPECT_NEAR(hidden / chosen, 0.8, 0.03);
  EXPECT_NEAR(kept / chosen, 0.1, 0.025);  // a random token is seldom the same
}

TEST_F(MaskingTest, NeverChoosesOrInsertsASpecialToken) {
  make_text(6);
  const MaskingVocabulary vocabulary(*tokenizer_);
  for (uint64_t counter = 0; counter < 300; ++counter) {
    const auto sequence = masked({.share = 0.9}, {.counter = counter});
    EXPECT_EQ(sequence.labels.front(), kIgnored);
    EXPECT_EQ(sequence.labels.back(), kIgnored);
    for (size_t i = 1; i + 1 < tokens_.size(); ++i) {
      const auto token = static_cast<int32_t>(sequence.tokens[i]);
      EXPECT_TRUE(token == vocabulary.mask() || !vocabulary.is_special(token)) << token;
    }
  }
}

TEST_F(MaskingTest, ChoosesAllPiecesOfAWordOrNone) {
  make_text(400);
  const auto sequence = masked({.whole_words = true}, {.seed = 3});
  for (size_t i = 1; i + 2 < tokens_.size(); i += 2)
    EXPECT_EQ(sequence.labels[i] == kIgnored, sequence.labels[i + 1] == kIgnored) << i;
  EXPECT_EQ(std::ranges::count(sequence.labels, kIgnored), std::ssize(tokens_) - 60);
}

TEST_F(MaskingTest, ChoosesOneTokenOfAShortText) {
  make_text(2);
  EXPECT_EQ(std::ranges::count(masked({}, {}).labels, kIgnored), 3);
  EXPECT_EQ(std::ranges::count(masked({.whole_words = true}, {}).labels, kIgnored), 2);
  make_text(0);
  EXPECT_THAT(masked({}, {}).labels, Each(kIgnored));
}

TEST_F(MaskingTest, TheDrawDecides) {
  make_text(200);
  const auto labels = [&](const MaskingDraw& draw) { return masked({}, draw).labels; };
  EXPECT_EQ(labels({.seed = 5, .counter = 2}), labels({.seed = 5, .counter = 2}));
  EXPECT_NE(labels({.seed = 5, .counter = 2}), labels({.seed = 5, .counter = 3}));
  EXPECT_NE(labels({.seed = 5, .counter = 2}), labels({.seed = 6, .counter = 2}));
}

TEST_F(MaskingTest, PacksLinesIntoFullSequencesWithoutLosingAny) {
  const auto sentences = read_sentences({file()}, *tokenizer_);
  EXPECT_EQ(sentences.size(), 40);  // empty lines are none
  const auto examples =
      pack_sentences(sentences, 0, sentences.size(), *tokenizer_, {.context = 16});
  int64_t text = 0;
  for (int64_t i = 0; i < examples.size(); ++i) {
    EXPECT_LE(examples.ids.length(i), 16);
    EXPECT_EQ(examples.ids.at(i).front(), *tokenizer_->cls_id());
    EXPECT_EQ(examples.ids.at(i).back(), *tokenizer_->sep_id());
    EXPECT_TRUE(std::ranges::is_sorted(examples.words.at(i)));
    text += examples.ids.length(i) - 2;
  }
  EXPECT_EQ(text, sentences.ids.tokens());
}

TEST_F(MaskingTest, PairsAreInOrderOrSwappedAboutHalfTheTime) {
  const auto sentences = read_sentences({file()}, *tokenizer_);
  for (const auto pairs : {SentencePairs::kNextOrRandom, SentencePairs::kInOrderOrSwapped}) {
    double broken = 0.0, all = 0.0;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto examples = pack_sentences(sentences, 0, sentences.size(), *tokenizer_,
                                           {.context = 20, .pairs = pairs, .seed = seed});
      for (int64_t i = 0; i < examples.size(); ++i) {
        const auto ids = examples.ids.at(i);
        EXPECT_LE(std::ssize(ids), 20);
        EXPECT_EQ(std::ranges::count(ids, *tokenizer_->sep_id()), 2);
        const auto first = examples.first_part[static_cast<size_t>(i)];
        EXPECT_EQ(ids[static_cast<size_t>(first) - 1], *tokenizer_->sep_id());
        broken += static_cast<double>(examples.pair[static_cast<size_t>(i)]);
      }
      all += static_cast<double>(examples.size());
    }
    EXPECT_NEAR(broken / all, 0.5, 0.1);
  }
}

TEST_F(MaskingTest, BatchesArePaddedAndCarrySegments) {
  SentenceExamples examples;
  const auto id = [&](const char* piece) { return *tokenizer_->id_of(piece); };
  const int32_t cls = *tokenizer_->cls_id(), sep = *tokenizer_->sep_id(), a = id("a");
  examples.ids.append(std::vector{cls, a, sep, a, a, sep});
  examples.words.append(std::vector{0, 1, 2, 3, 4, 5});
  examples.ids.append(std::vector{cls, a, sep});
  examples.words.append(std::vector{0, 1, 2});
  examples.first_part = {3, 3};
  examples.pair = {1, 0};
  const std::vector<int64_t> both{1, 0};
  const auto batch = mask_batch(examples, both, MaskingVocabulary(*tokenizer_), {}, 0,
                                [](int64_t) { return MaskingDraw{}; });
  const auto rows = [](const torch::Tensor& t) {
    const auto flat = t.flatten();
    return std::vector<int64_t>(flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel());
  };
  EXPECT_THAT(rows(batch.lengths), ElementsAre(3, 6));
  EXPECT_THAT(rows(batch.pair), ElementsAre(0, 1));
  EXPECT_THAT(rows(batch.segments), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1));
  EXPECT_THAT(rows(batch.original), ElementsAre(cls, a, sep, 0, 0, 0, cls, a, sep, a, a, sep));
  EXPECT_EQ(batch.labels.ne(kIgnored).sum().item<int64_t>(), 2);
}

}  // namespace
}  // namespace zoo
