#include "tokenizers/stages/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "tokenizers/stages/byte_alphabet.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

PreTokens cut(const PreTokenizer& rule, std::string_view text, bool tracked = false,
              size_t begin = 0) {
  PreTokens pre{.text = AlignedText(text, begin, tracked), .words = {}};
  if (!text.empty()) pre.words = {{0, text.size()}};
  rule.apply(pre);
  return pre;
}

std::vector<std::string> pre_words(const json& rule, std::string_view text, size_t begin = 0) {
  const PreTokens pre = cut(*make_pre_tokenizer(rule, WordsAs::kBytes), text, false, begin);
  std::vector<std::string> found;
  for (const Span& word : pre.words) {
    found.push_back(pre.text.text().substr(word.begin, word.end - word.begin));
  }
  return found;
}

json split(const char* regex, const char* behaviour, bool invert = false) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", behaviour},
          {"invert", invert}};
}

json metaspace(const char* scheme) {
  return {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}};
}

json byte_level(bool add_prefix_space, bool use_regex = true) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

json stages_of(std::vector<json> stages) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(stages)}};
}

// Made by tests/golden/byte_bpe.py.
TEST(PreTokenizerTest, WordsAndTheirPlacesAreThoseOfThePackage) {
  const json golden = json::parse(read_file("tests/golden/byte_bpe/pre_tokenizers.json"));
  ASSERT_GT(golden["cases"].size(), 25u);
  for (const json& entry : golden["cases"]) {
    const auto rule = make_pre_tokenizer(entry["rule"]);
    const auto quick = make_pre_tokenizer(entry["rule"], WordsAs::kBytes);
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      const std::string text = golden["texts"][i];
      const PreTokens pre = cut(*rule, text, true);
      json found = json::array();
      for (const Span& word : pre.words) {
        const std::string piece = pre.text.text().substr(word.begin, word.end - word.begin);
        const Span place = pre.text.origin(word.begin, word.end);
        found.push_back({piece, place.begin, place.end});
      }
      EXPECT_EQ(found, entry["words"][i]) << entry["rule"] << " on '" << text << "'";
      EXPECT_EQ(cut(*rule, text, false).words, pre.words) << "untracked, " << entry["rule"];
      const PreTokens bytes = cut(*quick, text, false);
      ASSERT_EQ(bytes.words.size(), pre.words.size());
      for (size_t w = 0; w < bytes.words.size(); ++w) {
        const auto [begin, end] = bytes.words[w];
        const std::string piece = bytes.text.text().substr(begin, end - begin);
        EXPECT_EQ(quick->makes_bytes() ? to_byte_alphabet(piece) : piece, found[w][0]);
      }
    }
  }
}

TEST(PreTokenizerTest, EachBehaviourTreatsMatchesInItsOwnWay) {
  const std::string text = "a--b-";
  EXPECT_THAT(pre_words(split("-", "Removed"), text), ElementsAre("a", "b"));
  EXPECT_THAT(pre_words(split("-", "Isolated"), text), ElementsAre("a", "-", "-", "b", "-"));
  EXPECT_THAT(pre_words(split("-", "MergedWithPrevious"), text), ElementsAre("a-", "-", "b-"));
  EXPECT_THAT(pre_words(split("-", "MergedWithNext"), text), ElementsAre("a", "-", "-b", "-"));
  EXPECT_THAT(pre_words(split("-", "Contiguous"), text), ElementsAre("a", "--", "b", "-"));
  EXPECT_THAT(pre_words(split("[a-z]", "Removed", true), text), ElementsAre("a", "b"));
}

TEST(PreTokenizerTest, LaterStagesCutEachWordByItself) {
  const json rule = stages_of({split(" ", "Removed"), split("^.", "Isolated")});
  EXPECT_THAT(pre_words(rule, "ab cd"), ElementsAre("a", "b", "c", "d"));
}

TEST(PreTokenizerTest, ByteLevelPutsOneSpaceBeforeAWordThatHasNone) {
  EXPECT_THAT(pre_words(byte_level(true), "a b"), ElementsAre(" a", " b"));
  EXPECT_THAT(pre_words(byte_level(true), " a"), ElementsAre(" a"));
  EXPECT_THAT(pre_words(byte_level(true), ""), ElementsAre());
  EXPECT_THAT(pre_words(byte_level(false, false), "a b"), ElementsAre("a b"));
}

TEST(PreTokenizerTest, StagesAfterByteLevelSeeTheByteAlphabet) {
  const json digits = {{"type", "Digits"}, {"individual_digits", true}};
  // 'ò' is C3 B2, and the character of B2 is a superscript two: a number.
  EXPECT_THAT(pre_words(stages_of({byte_level(false), digits}), "ò1"), ElementsAre("Ã", "²", "1"));
  EXPECT_THAT(pre_words(stages_of({byte_level(false, false), metaspace("always")}), "a b"),
              ElementsAre("▁aĠb"));
  EXPECT_THAT(pre_words(stages_of({byte_level(false), byte_level(true)}), "é"),
              ElementsAre(" Ã", "\xC2\xA9"));
  EXPECT_THAT(pre_words(stages_of({digits, byte_level(false)}), "ò1"), ElementsAre("ò", "1"));
}

TEST(PreTokenizerTest, MetaspaceMarksTheFirstWordOnlyWhereTheTextBegins) {
  EXPECT_THAT(pre_words(metaspace("first"), "a b"), ElementsAre("▁a", "▁b"));
  EXPECT_THAT(pre_words(metaspace("first"), "a b", /*begin=*/3), ElementsAre("a", "▁b"));
  EXPECT_THAT(pre_words(metaspace("always"), "a b", /*begin=*/3), ElementsAre("▁a", "▁b"));
  EXPECT_THAT(pre_words(metaspace("never"), "a b"), ElementsAre("a", "▁b"));
  EXPECT_THAT(
      pre_words({{"type", "Metaspace"}, {"replacement", "_"}, {"add_prefix_space", false}}, "a b"),
      ElementsAre("a", "_b"));
}

// Case of the trials: a stage before may have deleted the beginning.
TEST(PreTokenizerTest, MetaspaceLooksForTheBeginningOfTheUsersText) {
  const auto rule = make_pre_tokenizer(metaspace("first"));
  EXPECT_TRUE(rule->looks_at_places());
  for (const auto& [text, expected] : {std::pair{" hi", "hi"}, {"hi", "▁hi"}}) {
    AlignedText aligned(text, 0, /*tracked=*/true);
    AlignedText::Editor edit(aligned);
    if (edit.rest().starts_with(' ')) edit.skip(1);
    edit.finish();
    PreTokens pre{.text = aligned, .words = {{0, aligned.text().size()}}};
    rule->apply(pre);
    EXPECT_EQ(pre.text.text(), expected);
  }
}

TEST(PreTokenizerTest, CutsByCountByCharacterAndByScript) {
  EXPECT_THAT(pre_words({{"type", "FixedLength"}, {"length", 2}}, "aé的bc"),
              ElementsAre("aé", "的b", "c"));
  EXPECT_THAT(pre_words({{"type", "FixedLength"}}, "abcdef"), ElementsAre("abcde", "f"));
  EXPECT_THAT(pre_words({{"type", "CharDelimiterSplit"}, {"delimiter", "é"}}, "aéébé"),
              ElementsAre("a", "b"));
  const json scripts = {{"type", "UnicodeScripts"}};
  EXPECT_THAT(pre_words(scripts, "どこで 買い abc д."),
              ElementsAre("どこで 買い ", "abc ", "д", "."));
  EXPECT_THAT(pre_words(scripts, "  a"), ElementsAre("a"));  // as the package: no script yet
  EXPECT_THAT(pre_words(scripts, "  "), ElementsAre());
}

TEST(PreTokenizerTest, ByteLevelWordsInARowAreTheText) {
  EXPECT_TRUE(rc::check("any bytes", [] {
    const auto rule = make_pre_tokenizer(byte_level(false), WordsAs::kBytes);
    const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    const PreTokens pre = cut(*rule, bytes);
    size_t at = 0;
    for (const Span& word : pre.words) {
      RC_ASSERT(word.begin == at);
      RC_ASSERT(word.begin < word.end);
      at = word.end;
    }
    RC_ASSERT(at == bytes.size());
    RC_ASSERT(pre.text.text() == bytes);
  }));
}

TEST(PreTokenizerTest, NullIsNone) { EXPECT_EQ(make_pre_tokenizer(nullptr), nullptr); }

TEST(PreTokenizerTest, WhatIsDamagedOrUnknownIsRefusedInOneLine) {
  const auto refuses = [](const json& rule, const std::string& why) {
    EXPECT_THAT([&] { make_pre_tokenizer(rule); },
                ThrowsMessage<std::runtime_error>(HasSubstr(why)))
        << rule;
  };
  refuses(json::array(), "expected a JSON object");
  refuses(json::object(), "'type' is missing");
  refuses({{"type", "Nonsense"}}, "known: Sequence, ByteLevel");
  refuses({{"type", 3}}, "a string");
  refuses({{"type", "ByteLevel"}}, "'add_prefix_space' is missing");
  refuses({{"type", "ByteLevel"}, {"add_prefix_space", "yes"}}, "true or false");
  refuses({{"type", "Split"}}, "'pattern' is missing");
  refuses({{"type", "Split"}, {"pattern", "a"}}, "pattern");
  refuses(split("a(", "Isolated"), "regular expression at its byte 2");
  refuses(split("a", "isolated"), "known: Removed");
  refuses({{"type", "Digits"}}, "individual_digits");
  refuses({{"type", "Metaspace"}, {"replacement", "ab"}}, "one character");
  refuses({{"type", "Metaspace"}, {"replacement", ""}}, "one character");
  refuses(metaspace("First"), "known: always");
  refuses({{"type", "Sequence"}}, "'pretokenizers' is missing");
  refuses({{"type", "Sequence"}, {"pretokenizers", 1}}, "an array");
  refuses({{"type", "FixedLength"}, {"length", 0}}, "from 1 on");
  refuses({{"type", "CharDelimiterSplit"}, {"delimiter", "ab"}}, "one character");
  json deep = byte_level(false);
  for (int i = 0; i < 1000; ++i) deep = stages_of({deep});
  refuses(deep, "too deeply");
}

}  // namespace
}  // namespace zoo
