// What the packages of Python give for hostile text: tests/golden/wordpiece.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tokenizers/algorithms/wordpiece.h"
#include "tokenizers/auto/auto_document.h"
#include "tokenizers/stages/bert_rules.h"
#include "tokenizers/stages/normalizer.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

const json& golden() {
  static const json kGolden = json::parse(read_file("tests/golden/tokenizers/wordpiece.json"));
  return kGolden;
}

/// Begin and end of each part's place, as the golden has them.
std::vector<size_t> places(const AlignedText& text, const std::vector<Span>& parts) {
  std::vector<size_t> flat;
  for (const Span& part : parts) {
    const Span place = text.origin(part.begin, part.end);
    flat.insert(flat.end(), {place.begin, place.end});
  }
  return flat;
}

std::vector<Span> characters(std::string_view text) {
  std::vector<Span> parts;
  for (size_t at = 0; at < text.size();) {
    const size_t size = utf8::first(text.substr(at)).size;
    parts.push_back({at, at + size});
    at += size;
  }
  return parts;
}

void expect_normalized(const json& entry) {
  const auto normalizer = make_normalizer(entry["rule"]);
  for (size_t i = 0; i < golden()["texts"].size(); ++i) {
    const std::string text = golden()["texts"][i];
    AlignedText tracked(text, 0, true), untracked(text, 0, false);
    normalizer->apply(tracked);
    normalizer->apply(untracked);
    EXPECT_EQ(json(tracked.text()), entry["results"][i][0]) << entry["rule"]["type"] << json(text);
    EXPECT_EQ(tracked.text(), untracked.text());
    EXPECT_EQ(json(places(tracked, characters(tracked.text()))), entry["results"][i][1])
        << entry["rule"]["type"] << json(text);
  }
}

TEST(WordPieceGoldenTest, NormalizersGiveTheSameTextAndPlaces) {
  for (const json& entry : golden()["normalizers"]) expect_normalized(entry);
}

TEST(WordPieceGoldenTest, GraphemesEndAtTheSamePlaces) { expect_normalized(golden()["graphemes"]); }

TEST(WordPieceGoldenTest, BertFindsTheSameWords) {
  for (const json& entry : golden()["words"]) {
    const auto normalizer = make_normalizer(entry["rule"]);
    for (size_t i = 0; i < golden()["texts"].size(); ++i) {
      const std::string text = golden()["texts"][i];
      PreTokens pre{AlignedText(text, 0, true), {}};
      normalizer->apply(pre.text);
      if (!pre.text.text().empty()) pre.words = {{0, pre.text.text().size()}};
      make_bert_pre_tokenizer()->apply(pre);
      std::vector<std::string> words;
      for (const Span& word : pre.words) {
        words.push_back(pre.text.text().substr(word.begin, word.end - word.begin));
      }
      EXPECT_EQ(json(words), entry["results"][i][0]) << entry["rule"] << json(text);
      EXPECT_EQ(json(places(pre.text, pre.words)), entry["results"][i][1]) << json(text);
    }
  }
}

TEST(WordPieceGoldenTest, WordsSplitIntoTheSamePieces) {
  const json& entry = golden()["wordpiece"];
  const auto model = make_wordpiece_model(entry["model"]);
  for (const json& expected : entry["cases"]) {
    const std::string text = expected[0];
    std::vector<int32_t> ids;
    std::vector<size_t> flat;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      std::vector<size_t> ends;
      model->encode(std::string_view(text).substr(begin, end - begin), ids, &ends);
      for (size_t at = 0; const size_t piece_end : ends) {
        flat.insert(flat.end(), {begin + at, begin + piece_end});
        at = piece_end;
      }
      begin = end + 1;
    }
    EXPECT_EQ(json(ids), expected[1]) << expected;
    EXPECT_EQ(json(flat), expected[2]) << expected;
  }
}

TEST(WordPieceGoldenTest, BertsFilesBecomeTheSameDocument) {
  for (const json& entry : golden()["documents"]) {
    const TokenizerSettings settings =
        read_settings({.tokenizer_config = entry["config"].get<std::string>()}, nullptr);
    const AutoDocument made = class_document(
        "BertTokenizer", settings, vocabulary_of_lines(entry["vocab"].get<std::string>()));
    EXPECT_EQ(json::parse(made.tokenizer_json), entry["document"]) << entry["vocab"];
  }
}

}  // namespace
}  // namespace zoo
