#include "tokenizers/algorithms/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "app/files.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/pre_tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using Pieces = std::vector<std::string>;

json model_of(const Pieces& pieces, const Pieces& merges, const json& options = json::object()) {
  json model = {{"type", "BPE"}, {"vocab", json::object()}, {"merges", merges}};
  for (size_t i = 0; i < pieces.size(); ++i) model["vocab"][pieces[i]] = i;
  model.update(options);
  return model;
}

std::vector<int32_t> ids(const SubwordModel& model, std::string_view word) {
  std::vector<int32_t> found, again;
  model.encode(word, found, nullptr);
  model.encode(word, again, nullptr);  // by then it may come from the cache
  EXPECT_EQ(found, again) << word;
  return found;
}

Pieces pieces(const SubwordModel& model, std::string_view word) {
  Pieces found;
  for (const int32_t id : ids(model, word)) found.push_back(model.piece_of(id));
  return found;
}

Pieces pieces(const json& model, std::string_view word, bool byte_level = false) {
  return pieces(*make_bpe_model(model, byte_level), word);
}

/// The definition, word for word: look at all pairs, merge the best one, begin again.
Pieces merge_naively(Pieces word, const Pieces& merges) {
  for (;;) {
    size_t best = merges.size(), where = 0;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = std::find(merges.begin(), merges.end(), word[i] + " " + word[i + 1]);
      const auto rank = static_cast<size_t>(found - merges.begin());
      if (rank < best) best = rank, where = i;
    }
    if (best == merges.size()) return word;
    word[where] += word[where + 1];
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
}

TEST(BpeTest, MergesByRankNotByPlace) {
  const Pieces all = {"l", "o", "w", "e", "r", "er", "lo", "low", "wer"};
  EXPECT_THAT(pieces(model_of(all, {"e r", "l o", "lo w"}), "lower"), ElementsAre("low", "er"));
  EXPECT_THAT(pieces(model_of(all, {"e r", "w er", "l o"}), "lower"), ElementsAre("lo", "wer"));
}

TEST(BpeTest, TheLeftmostOfEqualPairsIsMergedFirst) {
  EXPECT_THAT(pieces(model_of({"a", "aa"}, {"a a"}), "aaaaa"), ElementsAre("aa", "aa", "a"));
}

TEST(BpeTest, APairGivenTwiceHasItsLastPlace) {
  const json model = model_of({"a", "b", "c", "ab", "bc"}, {"a b", "b c", "a b"});
  EXPECT_THAT(pieces(model, "abc"), ElementsAre("a", "bc"));
}

TEST(BpeTest, BytesNeedNoUnknownPiece) {
  Pieces all;
  for (int byte = 0; byte < 256; ++byte)
    all.emplace_back(byte_character(static_cast<uint8_t>(byte)));
  all.insert(all.end(), {"Ġt", "Ġth", "Ã©"});
  const json model = model_of(all, {"Ġ t", "Ġt h", "Ã ©"});
  EXPECT_THAT(pieces(model, " thé\xFF", true), ElementsAre("Ġth", "Ã©", "ÿ"));
}

TEST(BpeTest, UnknownCharactersAreLeftOutWithoutAnUnknownToken) {
  EXPECT_THAT(pieces(model_of({"a", "b", "ab"}, {"a b"}), "axb"), ElementsAre("ab"));
}

TEST(BpeTest, UnknownCharactersInARowAreOneWhereFused) {
  const Pieces all = {"a", "<unk>"};
  EXPECT_THAT(pieces(model_of(all, {}, {{"unk_token", "<unk>"}}), "xya"),
              ElementsAre("<unk>", "<unk>", "a"));
  EXPECT_THAT(pieces(model_of(all, {}, {{"unk_token", "<unk>"}, {"fuse_unk", true}}), "xya"),
              ElementsAre("<unk>", "a"));
}

TEST(BpeTest, UnknownCharactersBecomeBytesWhereTheVocabularyHasThem) {
  const Pieces all = {"a", "<unk>", "<0xC3>", "<0xA9>"};
  const json options = {{"unk_token", "<unk>"}, {"byte_fallback", true}};
  EXPECT_THAT(pieces(model_of(all, {}, options), "aéà"),
              ElementsAre("a", "<0xC3>", "<0xA9>", "<unk>"));
}

TEST(BpeTest, AMissingUnknownTokenIsNoticedWhenItIsNeeded) {
  const auto model = make_bpe_model(model_of({"a"}, {}, {{"unk_token", "<unk>"}}), false);
  EXPECT_THAT(pieces(*model, "a"), ElementsAre("a"));
  EXPECT_THAT([&] { pieces(*model, "b"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("'<unk>'")));
}

TEST(BpeTest, AWordOfTheVocabularyStaysWholeWhereMergesAreIgnored) {
  const Pieces all = {"a", "b", "c", "ab", "abc"};
  EXPECT_THAT(pieces(model_of(all, {"a b"}), "abc"), ElementsAre("ab", "c"));
  EXPECT_THAT(pieces(model_of(all, {"a b"}, {{"ignore_merges", true}}), "abc"), ElementsAre("abc"));
}

TEST(BpeTest, PrefixAndSuffixMarkThePlaceInTheWord) {
  const json suffix = {{"end_of_word_suffix", "</w>"}};
  const Pieces all = {"a", "b</w>", "ab</w>", "a</w>"};
  EXPECT_THAT(pieces(model_of(all, {"a b</w>"}, suffix), "ab"), ElementsAre("ab</w>"));
  EXPECT_THAT(pieces(model_of(all, {}, suffix), "a"), ElementsAre("a</w>"));
  const json prefix = {{"continuing_subword_prefix", "##"}};
  EXPECT_THAT(pieces(model_of({"a", "##b", "ab"}, {"a ##b"}, prefix), "ab"), ElementsAre("ab"));
}

TEST(BpeTest, EqualsTheDefinitionOnRandomMerges) {
  EXPECT_TRUE(rc::check("short and long words", [] {
    Pieces all = {"a", "b", "c", "d"}, merges;
    std::map<std::string, bool> known;
    for (const std::string& piece : all) known[piece] = true;
    for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
      const std::string left = *rc::gen::elementOf(all), right = *rc::gen::elementOf(all);
      const std::string merge = left + " " + right;
      if (left.size() + right.size() > 9) continue;
      if (std::find(merges.begin(), merges.end(), merge) != merges.end()) continue;
      merges.push_back(merge);
      if (!known[left + right]) all.push_back(left + right);
      known[left + right] = true;
    }
    const auto size = *rc::gen::inRange<size_t>(0, 120);
    const auto word =
        *rc::gen::container<std::string>(size, rc::gen::elementOf(std::string("abcd")));
    Pieces letters;
    for (const char letter : word) letters.emplace_back(1, letter);
    RC_ASSERT(pieces(model_of(all, merges), word) == merge_naively(letters, merges));
  }));
}

TEST(BpeTest, AMegabyteWithoutSpacesIsNoTrouble) {
  const auto model =
      make_bpe_model(model_of({"a", "b", "aa", "aaaa", "ab"}, {"a a", "aa aa", "a b"}), false);
  EXPECT_EQ(ids(*model, std::string(1'000'000, 'a')).size(), 250'000u);
  std::string mixed;
  while (mixed.size() < 1'000'000) mixed += "aabab";
  EXPECT_EQ(ids(*model, mixed).size(), 200'000u * 3);
}

// Made by tests/golden/byte_bpe.py.
TEST(BpeTest, ModelsNeverReadEachOthersCachedWords) {
  for (int round = 0; round < 50; ++round) {  // a new model may lie where a destroyed one did
    const auto merged = make_bpe_model(model_of({"a", "b", "ab"}, {"a b"}), false);
    EXPECT_THAT(ids(*merged, "ab"), ElementsAre(2));
    const auto plain = make_bpe_model(model_of({"b", "a"}, {}), false);
    EXPECT_THAT(ids(*plain, "ab"), ElementsAre(1, 0));
    EXPECT_THAT(ids(*merged, "ab"), ElementsAre(2));
  }
}

TEST(BpeTest, ThreadsShareAModel) {
  const auto model = make_bpe_model(model_of({"a", "b", "ab"}, {"a b"}), false);
  std::vector<std::thread> threads;
  std::vector<size_t> sums(4);
  for (size_t i = 0; i < sums.size(); ++i) {
    threads.emplace_back([&, i] {
      for (size_t n = 1; n < 200; ++n) {
        std::vector<int32_t> found;
        model->encode(std::string(n, 'a') + "b", found, nullptr);
        sums[i] += found.size();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(sums, ElementsAre(19900, 19900, 19900, 19900));
}

TEST(BpeTest, SmallModelsEncodeAnything) {
  for (const bool byte_level : {false, true}) {
    const auto empty = make_bpe_model(model_of({}, {}), byte_level);
    EXPECT_EQ(empty->vocab_size(), 0);
    EXPECT_THAT(ids(*empty, "text"), IsEmpty());
    const auto small = make_bpe_model(model_of({"a", "ab", "b"}, {"a b"}), byte_level);
    EXPECT_THAT(ids(*small, ""), IsEmpty());
    EXPECT_THAT(ids(*small, "\xFFxab\xE2"), ElementsAre(1));
    EXPECT_THROW(small->piece_of(3), std::out_of_range);
    EXPECT_THROW(small->piece_of(-1), std::out_of_range);
  }
  const json gaps = {{"type", "BPE"}, {"vocab", {{"a", 5}}}, {"merges", json::array()}};
  EXPECT_EQ(make_bpe_model(gaps, false)->vocab_size(), 6);
  EXPECT_EQ(make_bpe_model(gaps, false)->piece_of(0), "");
}

TEST(SubwordModelTest, TheTypeTellsTheModel) {
  const json words = {{"type", "WordLevel"}, {"vocab", {{"to", 0}, {"?", 1}}}, {"unk_token", "?"}};
  const auto model = make_subword_model(words, false);
  EXPECT_THAT(ids(*model, "to"), ElementsAre(0));
  EXPECT_THAT(ids(*model, "be"), ElementsAre(1));
  EXPECT_EQ(model->unk_id(), 1);
  EXPECT_THAT(ids(*make_subword_model(model_of({"a"}, {}), false), "a"), ElementsAre(0));
  json old = model_of({"a"}, {});
  old.erase("type");
  EXPECT_THAT(ids(*make_subword_model(old, false), "a"), ElementsAre(0));
  EXPECT_THAT(
      [] {
        make_subword_model({{"type", "GPT"}}, false);
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("known: BPE, WordPiece, Unigram, WordLevel")));
  EXPECT_THAT([&] { make_subword_model(words, true); },
              ThrowsMessage<std::runtime_error>(HasSubstr("needs a BPE model")));
}

}  // namespace
}  // namespace zoo
