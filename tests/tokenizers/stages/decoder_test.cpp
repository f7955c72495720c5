#include "tokenizers/stages/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string decoded(const std::string& decoder, std::vector<std::string> pieces) {
  make_decoder(nlohmann::json::parse(decoder))->apply(pieces);
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

TEST(DecoderTest, WordPieceJoinsWordsAndTakesBackSpaces) {
  const std::string decoder = R"({"type": "WordPiece", "prefix": "##", "cleanup": true})";
  EXPECT_EQ(decoded(decoder, {"un", "##aff", "##able", ",", "don", "'", "t", "."}),
            "unaffable, don ' t.");
  EXPECT_EQ(decoded(decoder, {"we", "'re", "here", "!"}), "we're here!");
  EXPECT_EQ(decoded(R"({"type": "WordPiece", "prefix": "##", "cleanup": false})", {"a", "."}),
            "a .");
}

TEST(DecoderTest, ByteLevelJoinsBytesAcrossPieces) {
  const std::string decoder = R"({"type": "ByteLevel"})";
  EXPECT_EQ(decoded(decoder, {"caf", "\xC3\x83", "\xC2\xA9", "\xC4\xA0x"}), "caf\xC3\xA9 x");
  // A character that breaks off is one U+FFFD.
  EXPECT_EQ(decoded(decoder, {"a", "\xC3\x83"}), "a\xEF\xBF\xBD");
}

TEST(DecoderTest, ByteFallbackGivesOneReplacementForEachLostByte) {
  const std::string decoder = R"({"type": "ByteFallback"})";
  EXPECT_EQ(decoded(decoder, {"a", "<0xC3>", "<0xA9>", "b"}),
            "a\xC3\xA9"
            "b");
  EXPECT_EQ(decoded(decoder, {"<0xC3>", "<0x28>", "<0xZZ>"}), "\xEF\xBF\xBD\xEF\xBF\xBD<0xZZ>");
}

TEST(DecoderTest, MetaspaceDropsTheMarkThatTheEncoderPutFirst) {
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"})",
                    {"▁to", "▁b", "e"}),
            "to be");
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"})",
                    {"▁to", "▁b", "e"}),
            " to be");
}

TEST(DecoderTest, TheLastSuffixIsNoSpace) {
  EXPECT_EQ(decoded(R"({"type": "BPEDecoder", "suffix": "</w>"})", {"a</w>", "pho", "to</w>"}),
            "a photo");
}

TEST(DecoderTest, AChainStripsWhatItFused) {
  EXPECT_EQ(decoded(R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})",
                    {"▁▁a", "▁b"}),
            " a b");
}

TEST(DecoderTest, SequencesMayHoldSequences) {
  EXPECT_EQ(decoded(R"({"type": "Sequence", "decoders": [{"type": "Sequence", "decoders": [
      {"type": "Fuse"}]}, {"type": "Strip", "content": "a", "start": 1, "stop": 0}]})",
                    {"aab", "ac"}),
            "abac");
}

TEST(DecoderTest, ReplacesByExpressionAndByTheEmptyText) {
  const auto replaced = [](const std::string& pattern, const std::string& piece) {
    return decoded(R"({"type": "Replace", "content": "_", "pattern": )" + pattern + "}", {piece});
  };
  EXPECT_EQ(replaced(R"({"Regex": "\\s+"})", "a  b\n"), "a_b_");
  EXPECT_EQ(replaced(R"({"String": "."})", "a.b"), "a_b");
  EXPECT_EQ(replaced(R"({"String": ""})", "éb"), "_é_b_");
  EXPECT_EQ(replaced(R"({"String": ""})", ""), "");
}

TEST(DecoderTest, AnEmptySuffixLiesBetweenAllCharacters) {
  EXPECT_EQ(decoded(R"({"type": "BPEDecoder", "suffix": ""})", {"ab", "c"}), " a b c");
}

// Graves et al. 2006: repeats are one, then blanks go.
TEST(DecoderTest, CtcDropsRepeatsAndBlanks) {
  const std::string decoder =
      R"({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true})";
  EXPECT_EQ(decoded(decoder, {"<pad>", "h", "h", "i", "<pad>", "i", "|", "y", "y"}), "hii y");
}

TEST(DecoderTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT([] { decoded(R"({"type": "Odd"})", {}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("decoder Odd is not supported")));
  EXPECT_THAT([] { decoded(R"({"type": "Strip", "content": "ab", "start": 1, "stop": 1})", {}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("one character")));
}

}  // namespace
}  // namespace zoo
