// The unigram model of a tokenizer.json. Goldens: tests/golden/sentencepiece_files.py.
#include "tokenizers/algorithms/unigram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "base/files.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

using ScoredPieces = std::vector<std::pair<std::string, double>>;

std::unique_ptr<SubwordModel> unigram_of(const ScoredPieces& pieces, const json& unk_id = 0,
                                         bool byte_fallback = false) {
  return make_unigram_model({{"type", "Unigram"},
                             {"unk_id", unk_id},
                             {"vocab", pieces},
                             {"byte_fallback", byte_fallback}});
}

std::vector<int32_t> ids_of(const SubwordModel& model, std::string_view word) {
  std::vector<int32_t> ids;
  model.encode(word, ids, nullptr);
  return ids;
}

std::vector<size_t> ends_of(const SubwordModel& model, std::string_view word) {
  std::vector<int32_t> ids;
  std::vector<size_t> ends;
  model.encode(word, ids, &ends);
  EXPECT_EQ(ids.size(), ends.size());
  return ends;
}

const ScoredPieces kLetters = {{"<unk>", 0}, {"a", -1}, {"b", -1}, {"c", -1}};

TEST(UnigramTest, FindsTheMostProbableSplit) {
  const auto model = unigram_of({{"<unk>", 0},
                                 {"h", -5},
                                 {"u", -4},
                                 {"g", -4},
                                 {"hu", -3},
                                 {"ug", -3.5},
                                 {"hug", -9},
                                 {"s", -3}});
  EXPECT_THAT(ids_of(*model, "hugs"), ElementsAre(4, 3, 7));  // hu g s: -10; h ug s: -11.5
  EXPECT_THAT(ends_of(*model, "hugs"), ElementsAre(2, 3, 4));
  EXPECT_THAT(ids_of(*model, ""), IsEmpty());
}

TEST(UnigramTest, OfEqualSplitsTakesTheOneWithTheLongestLastPiece) {
  const auto model = unigram_of({{"<unk>", -9}, {"a", -1}, {"aa", -1}});
  EXPECT_THAT(ids_of(*model, "aaa"), ElementsAre(1, 2));
}

TEST(UnigramTest, UnknownCharactersInARowAreOnePiece) {
  const auto model = unigram_of(kLetters);
  EXPECT_THAT(ids_of(*model, "axyb\xC3\xA9"), ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(ends_of(*model, "axyb\xC3\xA9"), ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(ids_of(*model, "<unk>x"), ElementsAre(0));
}

TEST(UnigramTest, AnUnknownCharacterCostsTenMoreThanTheRarestPiece) {
  EXPECT_THAT(ids_of(*unigram_of({{"<unk>", 0}, {"a", -1}, {"ax", -12.5}}), "ax"), ElementsAre(2));
  EXPECT_THAT(
      ids_of(*unigram_of({{"<unk>", 0}, {"a", -1}, {"b", -2}, {"ax", -2}, {"x", -40}}), "ax"),
      ElementsAre(3));
}

TEST(UnigramTest, UnknownCharactersBecomeBytesWhereAllOfThemArePieces) {
  const auto model = unigram_of({{"<unk>", 0}, {"a", -1}, {"<0xC3>", -5}, {"<0xA9>", -5}}, 0,
                                /*byte_fallback=*/true);
  EXPECT_THAT(ids_of(*model, "a\xC3\xA9\xC3\xA9"), ElementsAre(1, 2, 3, 2, 3));
  EXPECT_THAT(ends_of(*model, "a\xC3\xA9\xC3\xA9"), ElementsAre(1, 5, 5, 5, 5));
  EXPECT_THAT(ids_of(*model, "a\xC3\xA8"), ElementsAre(1, 0));
}

TEST(UnigramTest, AnUnknownCharacterIsAnErrorWithoutAnUnknownPiece) {
  const auto model = unigram_of(kLetters, nullptr);
  EXPECT_THAT(ids_of(*model, "abc"), ElementsAre(1, 2, 3));
  EXPECT_EQ(model->unk_id(), std::nullopt);
  EXPECT_THAT([&] { ids_of(*model, "ab\xC3\xA9"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("'\xC3\xA9' (U+00E9) is not in")));
  // As in the package, even where a longer piece covers it.
  const auto covered = unigram_of({{"a", -1},
                                   {"\xC3\xA9"
                                    "b",
                                    -1}},
                                  nullptr);
  EXPECT_THAT(
      [&] {
        ids_of(*covered,
               "\xC3\xA9"
               "b");
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("(U+00E9) is not in")));
}

TEST(UnigramTest, OfEqualPiecesTheLastHasTheId) {
  const auto model = unigram_of({{"<unk>", 0}, {"a", -1}, {"a", -3}, {"", -1}});
  EXPECT_THAT(ids_of(*model, "a"), ElementsAre(2));
  EXPECT_EQ(model->id_of("a"), 2);
  EXPECT_EQ(model->piece_of(1), "a");
  EXPECT_EQ(model->id_of(""), 3);
  EXPECT_EQ(model->id_of("b"), std::nullopt);
  EXPECT_EQ(model->vocab_size(), 4);
}

TEST(UnigramTest, AgreesWithThePackageDownToTheLastBitOfItsSums) {
  const json golden = json::parse(read_file("tests/golden/tokenizers/unigram.json"));
  const auto model = make_unigram_model(golden["model"]);
  for (size_t i = 0; i < golden["words"].size(); ++i) {
    const std::string word = golden["words"][i];
    EXPECT_EQ(ids_of(*model, word), golden["ids"][i].get<std::vector<int32_t>>()) << word;
    EXPECT_EQ(ends_of(*model, word), golden["ends"][i].get<std::vector<size_t>>()) << word;
  }
}

TEST(UnigramTest, RefusesWhatIsNoModel) {
  const auto complaint = [](const json& model) -> std::string {
    try {
      make_unigram_model(model);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "read";
  };
  EXPECT_THAT(complaint(json::array()), HasSubstr("has no \"vocab\""));
  EXPECT_THAT(complaint({{"vocab", json::object()}}), HasSubstr("list of [piece, score]"));
  EXPECT_THAT(complaint({{"vocab", json::array()}}), HasSubstr("the vocabulary is empty"));
  EXPECT_THAT(complaint({{"vocab", json::array({"a"})}}), HasSubstr("entry 0"));
  EXPECT_THAT(complaint(json::parse(R"({"vocab": [["a", -1], ["b", -1, 2]]})")),
              HasSubstr("entry 1"));
  EXPECT_THAT(complaint(json::parse(R"({"vocab": [["a", "b"]]})")), HasSubstr("the score of id 0"));
  for (const json& id : {json(-1), json(4), json(1.5), json("0"), json(1e30), json(UINT64_MAX)}) {
    EXPECT_THAT(complaint({{"vocab", kLetters}, {"unk_id", id}}), HasSubstr("unk_id")) << id;
  }
  EXPECT_THAT(complaint({{"vocab", kLetters}, {"byte_fallback", 1}}), HasSubstr("byte_fallback"));
}

TEST(UnigramTest, SurvivesAnyBytesAndAnyScores) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    ScoredPieces vocabulary = {{"<unk>", 0}};
    for (unsigned i = random() % 20; i > 0; --i) {
      std::string piece;
      for (unsigned k = random() % 4; k > 0; --k) piece += utf8::encode(U"ab\u00E9"[random() % 3]);
      const double scores[] = {0, -1e-300, 1e300, -1e300, 0.1, -7.25, 1e17};
      vocabulary.emplace_back(piece, scores[random() % std::size(scores)]);
    }
    const auto model = unigram_of(vocabulary, 0, random() % 2 == 0);
    std::string word(random() % 50, '\0');
    for (char& byte : word) byte = random() % 2 == 0 ? 'a' : static_cast<char>(random());
    const auto ends = ends_of(*model, word);
    ASSERT_TRUE(std::is_sorted(ends.begin(), ends.end()));
    ASSERT_EQ(ends.empty() ? 0 : ends.back(), word.size());
  }
}

}  // namespace
}  // namespace zoo
