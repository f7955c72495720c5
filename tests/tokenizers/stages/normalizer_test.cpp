#include "tokenizers/stages/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string apply(const char* rule, const char* text) {
  AlignedText aligned(text, 0, true);
  make_normalizer(json::parse(rule))->apply(aligned);
  return aligned.text();
}

std::string refusal(const json& rule) {
  try {
    make_normalizer(rule);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(NormalizerTest, NullIsNone) { EXPECT_EQ(make_normalizer(nullptr), nullptr); }

TEST(NormalizerTest, ASequenceAppliesItsStepsInOrder) {
  EXPECT_EQ(apply(R"({"type": "Sequence", "normalizers": [
                      {"type": "Replace", "pattern": {"String": "b"}, "content": "C"},
                      {"type": "Lowercase"}, {"type": "Prepend", "prepend": "_"}]})",
                  "aBb"),
            "_abc");
}

TEST(NormalizerTest, StripsTheEndsItIsToldTo) {
  const char* const text = " \t\xE3\x80\x80 a b \n";
  EXPECT_EQ(apply(R"({"type": "Strip", "strip_left": true, "strip_right": true})", text), "a b");
  EXPECT_EQ(apply(R"({"type": "Strip", "strip_left": false, "strip_right": true})", text),
            " \t\xE3\x80\x80 a b");
  EXPECT_EQ(apply(R"({"type": "Strip", "strip_left": true, "strip_right": false})", text),
            "a b \n");
  EXPECT_EQ(apply(R"({"type": "Strip", "strip_left": true, "strip_right": true})", " \t "), "");
}

TEST(NormalizerTest, ReplacesFromLeftToRight) {
  EXPECT_EQ(apply(R"({"type": "Replace", "pattern": {"String": "aa"}, "content": "b"})", "aaaaa"),
            "bba");
  EXPECT_EQ(apply(R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})", "a   b"),
            "a b");
  EXPECT_EQ(apply(R"({"type": "Replace", "pattern": {"String": ""}, "content": "-"})", "ab"),
            "-a-b-");
  EXPECT_EQ(apply(R"({"type": "Replace", "pattern": {"Regex": "b*"}, "content": "-"})", "abbc"),
            "-a-c-");
}

TEST(NormalizerTest, AReplacementHasThePlaceOfTheLastCharacterReplaced) {
  AlignedText text("xaby", 0, true);
  make_normalizer({{"type", "Replace"}, {"pattern", {{"String", "ab"}}}, {"content", "12"}})
      ->apply(text);
  EXPECT_EQ(text.text(), "x12y");
  EXPECT_EQ(text.origin(1, 2), (Span{2, 3}));
  EXPECT_EQ(text.origin(2, 3), (Span{2, 3}));
  EXPECT_EQ(text.origin(3, 4), (Span{3, 4}));
}

TEST(NormalizerTest, AnEmptyTextStaysEmpty) {
  EXPECT_EQ(apply(R"({"type": "Prepend", "prepend": "x"})", ""), "");
  EXPECT_EQ(apply(R"({"type": "Replace", "pattern": {"String": ""}, "content": "x"})", ""), "");
  EXPECT_EQ(apply(R"({"type": "NFC"})", ""), "");
}

TEST(NormalizerTest, NmtDropsControlsAndWritesSpaces) {
  EXPECT_EQ(apply(R"({"type": "Nmt"})",
                  "a\x01\x0B"
                  "b\tc\xE2\x80\x8B"
                  "d\xE2\x96\x81\xEF\xBF\xBD"
                  "e"),
            "ab c d  e");
}

TEST(NormalizerTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(refusal({{"type", "Rot13"}}), HasSubstr("\"Rot13\" is not known; known are Bert"));
  EXPECT_THAT(refusal({{"type", "a\nb"}}), HasSubstr("\"a\\nb\""));
  EXPECT_THAT(refusal({{"type", 5}}), HasSubstr("expected {\"type\": ...}"));
  EXPECT_THAT(refusal(json::array()), HasSubstr("expected {\"type\": ...}"));
  EXPECT_THAT(refusal({{"type", "Strip"}, {"strip_left", true}}),
              HasSubstr("Strip: expected true or false as \"strip_right\", found nothing"));
  EXPECT_THAT(refusal({{"type", "Strip"}, {"strip_left", 1}, {"strip_right", true}}),
              HasSubstr("\"strip_left\", found number"));
  EXPECT_THAT(refusal({{"type", "Sequence"}}), HasSubstr("expected a list as \"normalizers\""));
  EXPECT_THAT(refusal({{"type", "Prepend"}}), HasSubstr("expected a string as \"prepend\""));
  EXPECT_THAT(refusal({{"type", "BertNormalizer"}, {"lowercase", true}}), HasSubstr("clean_text"));
  EXPECT_THAT(refusal({{"type", "Replace"}, {"pattern", {{"Glob", "*"}}}, {"content", ""}}),
              HasSubstr("{\"Regex\": ...}"));
  EXPECT_NE(refusal({{"type", "Replace"}, {"pattern", {{"Regex", "("}}}, {"content", ""}}),
            "accepted");
}

TEST(NormalizerTest, RefusesDeepNesting) {
  json rule = {{"type", "NFC"}};
  for (int i = 0; i < 1000; ++i) {
    json outer = {{"type", "Sequence"}};
    outer["normalizers"].push_back(std::move(rule));
    rule = std::move(outer);
  }
  EXPECT_THAT(refusal(rule), HasSubstr("nested more than"));
}

TEST(NormalizerTest, RefusesDamagedCharsmaps) {
  for (const char* charsmap : {"", "!", "AAAA", "AAAAAA==", "BAAAAAAAAAAA", "AQAAAAAAAAAA"}) {
    EXPECT_NE(refusal({{"type", "Precompiled"}, {"precompiled_charsmap", charsmap}}), "accepted")
        << charsmap;
  }
}

TEST(Base64Test, DecodesTheExamplesOfItsStandard) {
  for (const auto& [text, bytes] : {std::pair{"", ""},
                                    {"Zg==", "f"},
                                    {"Zm8=", "fo"},
                                    {"Zm9v", "foo"},
                                    {"Zm9vYg==", "foob"},
                                    {"+/+/", "\xFB\xFF\xBF"}}) {
    EXPECT_EQ(decode_base64(text), bytes) << text;
  }
}

TEST(Base64Test, RefusesEverythingElse) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "=", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\n"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace zoo
