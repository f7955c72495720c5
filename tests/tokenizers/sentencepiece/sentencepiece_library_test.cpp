// Our splitting against the library's, on text of every kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include <algorithm>

#include "tests/tokenizers/sentencepiece_files.h"
#include "tests/tokenizers/texts.h"
#include "tokenizers/sentencepiece/sentencepiece.h"

namespace zoo {
namespace {

using Algorithm = SentencePieceModel::Algorithm;
using Type = SentencePieceModel::Type;

/// Scores in steps of 1/64: sums are exact, whichever way the library's version rounds.
SentencePieceModel rounded(SentencePieceModel model) {
  for (auto& piece : model.pieces) piece.score = std::round(piece.score * 64) / 64;
  return model;
}

SentencePieceModel golden(const std::string& name) {
  return rounded(
      parse_sentencepiece_model(read_file("tests/golden/tokenizers/" + name + ".model")));
}

/// Pieces in a row, spaces, random Unicode and random bytes.
std::string random_text(const SentencePieceModel& model, std::mt19937& random) {
  if (random() % 4 == 0) return testing::random_bytes(random);
  if (random() % 3 == 0) return testing::random_unicode(random);
  std::string text;
  for (unsigned i = random() % 30; i > 0; --i) {
    const std::string& piece = model.pieces[random() % model.pieces.size()].text;
    text += random() % 2 == 0 ? piece : utf8::replace_all(piece, kMarkedSpace, " ");
    if (random() % 5 == 0) text += " ";
  }
  return text;
}

void expect_the_library_agrees(const SentencePieceModel& model) {
  const std::string bytes = testing::write_model(model);
  const SentencePieceTokenizer ours(bytes);
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.LoadFromSerializedProto(bytes).ok());
  std::mt19937 random(8);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(model, random);
    const Encoding found = ours.encode(text);
    const auto expected = library.EncodeAsImmutableProto(text);
    ASSERT_EQ(found.ids, library.EncodeAsIds(text)) << text;
    for (size_t k = 0; k < found.ids.size(); ++k) {
      const auto piece = expected.pieces(static_cast<int>(k));
      if (library.IsByte(found.ids[k])) continue;  // see OffsetsOfBytes
      ASSERT_EQ(found.offsets[k].first, piece.begin()) << text;
      ASSERT_EQ(found.offsets[k].second, piece.end()) << text;
    }
    // Pieces that hold the space itself keep a text as it is; the library knows marks only.
    if (!model.escape_whitespaces) continue;
    if (std::count(found.ids.begin(), found.ids.end(), ours.unk_id()) == 0) {
      ASSERT_EQ(ours.decode(found.ids), library.DecodeIds(found.ids)) << text;
    }
  }
}

TEST(SentencePieceLibraryTest, AgreesOnUnigramModels) {
  expect_the_library_agrees(golden("unigram"));
}

TEST(SentencePieceLibraryTest, AgreesOnBpeModelsWithBytes) {
  expect_the_library_agrees(golden("bpe"));
}

TEST(SentencePieceLibraryTest, AgreesWhateverIsDoneToSpaces) {
  for (const char* name : {"unigram", "bpe"}) {
    for (int flags = 0; flags < 8; ++flags) {
      SentencePieceModel model = golden(name);
      model.add_dummy_prefix = flags & 1;
      model.remove_extra_whitespaces = flags & 2;
      model.escape_whitespaces = flags & 4;
      expect_the_library_agrees(model);
    }
  }
}

TEST(SentencePieceLibraryTest, AgreesWithPiecesThatTheUserDefinedAndThoseThatMayNotBeUsed) {
  for (const char* name : {"unigram", "bpe"}) {
    SentencePieceModel model = golden(name);
    for (size_t id = 0; id < model.pieces.size(); ++id) {
      auto& piece = model.pieces[id];
      if (piece.type != Type::kNormal || piece.text.size() < 2) continue;
      if (id % 5 == 0) piece.type = Type::kUnused;
    }
    // In unigram models the library's versions weigh them differently; ours is that of 0.2.
    if (model.algorithm == Algorithm::kBpe) {
      model.pieces.push_back({"<mask>", 0, Type::kUserDefined});
      model.pieces.push_back({"oooo", 0, Type::kUserDefined});
    }
    expect_the_library_agrees(model);
  }
}

TEST(SentencePieceLibraryTest, AgreesOnTheZoosOwnModels) {
  for (const auto kind : {TokenizerKind::kSentencePieceBpe, TokenizerKind::kSentencePieceUnigram}) {
    const testing::TemporaryFolder folder;
    testing::small_sentencepiece(kind).save(folder.path());
    expect_the_library_agrees(parse_sentencepiece_model(read_file(folder / "tokenizer.model")));
  }
}

TEST(SentencePieceLibraryTest, ListsTheSameNBest) {
  const SentencePieceModel model = golden("unigram");
  const std::string bytes = testing::write_model(model);
  const SentencePieceTokenizer ours(bytes);
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.LoadFromSerializedProto(bytes).ok());
  std::mt19937 random(9);
  for (int i = 0; i < 500; ++i) {
    const std::string text = random_text(model, random);
    const auto found = ours.nbest(text, 10);
    const auto expected = library.NBestEncodeAsImmutableProto(text, 10);
    if (ours.ids(text).empty()) continue;  // where the library gives nothing
    ASSERT_EQ(found.size(), expected.nbests_size()) << text;
    for (size_t k = 0; k < found.size(); ++k) {
      EXPECT_NEAR(found[k].score, expected.nbests(static_cast<int>(k)).score(), 1e-3) << text;
    }
  }
}

TEST(SentencePieceLibraryTest, ALongTextOfUnknownCharactersTakesLinearTime) {
  // The library joins unknown pieces one by one, copying what it has: minutes for this text.
  std::string text;
  for (int i = 0; i < 500000; ++i) text += "\xF0\x9F\x98\x80";
  const SentencePieceTokenizer ours(testing::write_model(golden("unigram")));
  EXPECT_EQ(ours.ids(text).size(), 2u);
}

}  // namespace
}  // namespace zoo
