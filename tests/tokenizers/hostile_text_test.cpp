// Byte-level BPE on text that no one would write: every byte comes back, and soon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <ctime>

#include "tests/tokenizers/texts.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using ::testing::IsEmpty;

/// GPT-2's words, and those of GPT-4, which do not cut before a contraction.
const Tokenizer& byte_bpe(WordPattern pattern) {
  const auto train = [](WordPattern chosen) {
    return testing::train_on(
        testing::small_text(),
        {.kind = TokenizerKind::kByteBpe, .vocab_size = 700, .pattern = chosen});
  };
  static const auto gpt2 = train(WordPattern::kGpt2), cl100k = train(WordPattern::kCl100k);
  return pattern == WordPattern::kGpt2 ? *gpt2 : *cl100k;
}

std::string bytes_of(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::string bytes;
  for (const int32_t id : ids) bytes += tokenizer.bytes_of(id);
  return bytes;
}

class HostileTextTest : public ::testing::TestWithParam<WordPattern> {
 protected:
  const Tokenizer& tokenizer_ = byte_bpe(GetParam());
};

TEST_P(HostileTextTest, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& text : {all, all + all, std::string(300, '\xFF'), std::string(1, '\0'),
                                  std::string("\xE2\x82"), std::string("a\xF0\x9F\x98 b")}) {
    EXPECT_EQ(bytes_of(tokenizer_, tokenizer_.ids(text)), text);
  }
  EXPECT_EQ(tokenizer_.decode(tokenizer_.ids("a\xE2\x82z\xFF")), "a\uFFFDz\uFFFD");
  EXPECT_THAT(tokenizer_.ids(""), IsEmpty());
  EXPECT_EQ(tokenizer_.decode({}), "");
}

TEST_P(HostileTextTest, AnyBytesComeBackAndTheirPlacesAreInOrder) {
  EXPECT_TRUE(rc::check("bytes and code points", [this] {
    std::mt19937 random(*rc::gen::arbitrary<uint32_t>());
    const std::string text = *rc::gen::arbitrary<bool>() ? testing::random_bytes(random)
                                                         : testing::random_unicode(random);
    const Encoding found = tokenizer_.encode(text, {.recognise_added = false});
    RC_ASSERT(bytes_of(tokenizer_, found.ids) == text);
    if (utf8::find_invalid(text) == std::string::npos) {
      RC_ASSERT(tokenizer_.decode(found.ids) == text);
    }
    RC_ASSERT(found.offsets.size() == found.ids.size());
    size_t last = 0;
    for (const auto& [begin, end] : found.offsets) {
      RC_ASSERT(begin < end);
      RC_ASSERT(end <= text.size());
      RC_ASSERT(begin >= (last > 4 ? last - 4 : 0));  // ids within one character share its place
      last = end;
    }
  }));
}

TEST_P(HostileTextTest, AMegabyteInOneWordTakesSeconds) {
  const std::clock_t start = std::clock();
  for (const std::string unit :
       {"a", "th", "船", "\xFF", " ", "\n", "harbour", "ab1", "'s", "\u0301"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    EXPECT_EQ(bytes_of(tokenizer_, tokenizer_.ids(text)), text) << unit;
  }
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 120);  // with sanitizers, too
}

INSTANTIATE_TEST_SUITE_P(Patterns, HostileTextTest,
                         ::testing::Values(WordPattern::kGpt2, WordPattern::kCl100k),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace zoo
