#include "tokenizers/algorithms/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "base/files.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/pre_tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
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

// The package counts one byte for each byte piece, and nothing for what it leaves out.
TEST(BpeTest, EndsAreThoseOfThePackageEvenPastTheWord) {
  const auto ends = [](const json& options, std::vector<std::string> vocabulary,
                       std::string_view word) {
    std::vector<int32_t> ids;
    std::vector<size_t> found;
    make_bpe_model(model_of(vocabulary, {}, options), false)->encode(word, ids, &found);
    return found;
  };
  const json affixes = {{"byte_fallback", true}, {"end_of_word_suffix", "</"}};
  EXPECT_THAT(ends(affixes, {"<0x62>", "<0x3C>", "<0x2F>", "a"}, "ab"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ends(json::object(), {"a", "c"}, "abc"), ElementsAre(1, 2));
}

TEST(BpeTest, AMissingUnknownTokenIsNoticedWhenItIsNeeded) {
  const auto model = make_bpe_model(model_of({"a"}, {}, {{"unk_token", "<unk>"}}), false);
  EXPECT_THAT(pieces(*model, "a"), ElementsAre("a"));
  EXPECT_THAT([&] { pieces(*model, "b"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("'<unk>'")));
  const auto odd = make_bpe_model(model_of({"a"}, {}, {{"unk_token", "\n\""}}), false);
  EXPECT_THAT([&] { pieces(*odd, "\n"); }, ThrowsMessage<std::runtime_error>(Not(HasSubstr("\n"))));
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
TEST(BpeTest, IdsAndTheirEndsAreThoseOfThePackage) {
  const json golden = json::parse(read_file("tests/golden/byte_bpe/models.json"));
  ASSERT_GT(golden["cases"].size(), 10u);
  for (const json& entry : golden["cases"]) {
    json model = entry["model"];
    model.update(golden["vocabularies"][entry["vocabulary"].get<size_t>()]);
    const json whole = {{"pre_tokenizer", entry["pre_tokenizer"]}, {"model", model}};
    const PipelineTokenizer tokenizer(whole.dump());
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      const std::string text = golden["texts"][i];
      const Encoding found = tokenizer.encode(text);
      EXPECT_EQ(json(found.ids), entry["ids"][i]) << entry["name"] << " on '" << text << "'";
      EXPECT_EQ(tokenizer.ids(text), found.ids) << "untracked, " << entry["name"];
      if (entry["ends"].is_null()) continue;
      json ends = json::array();
      for (const auto& [begin, end] : found.offsets) ends.push_back(end);
      EXPECT_EQ(ends, entry["ends"][i]) << entry["name"] << " on '" << text << "'";
    }
  }
}

TEST(BpeTest, MergesAreStringsOrPairs) {
  const Pieces all = {"a", "b", "ab"};
  json model = model_of(all, {"a b"});
  EXPECT_THAT(pieces(model, "ab"), ElementsAre("ab"));
  model["merges"] = json::array({json::array({"a", "b"})});
  EXPECT_THAT(pieces(model, "ab"), ElementsAre("ab"));
  model["merges"] = json::array({"#version: 0.2", "a b"});
  EXPECT_THAT(pieces(model, "ab"), ElementsAre("ab"));
  json spaces = model_of({" ", "a", " a"}, {});  // only a pair can hold a space
  spaces["merges"] = json::array({json::array({" ", "a"})});
  EXPECT_THAT(pieces(spaces, " a"), ElementsAre(" a"));
}

TEST(BpeTest, DamagedModelsAreRefusedInOneLine) {
  const auto refuses = [](const char* key, const json& value, const std::string& why) {
    json model = model_of({"a", "b", "ab"}, {"a b"});
    value.is_discarded() ? void(model.erase(key)) : void(model[key] = value);
    EXPECT_THAT([&] { make_bpe_model(model, false); },
                ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(why), Not(HasSubstr("\n")))))
        << key << ": " << value;
  };
  const json missing(json::value_t::discarded);
  refuses("vocab", missing, "BPE: 'vocab' is missing");
  refuses("vocab", json::array({"a"}), "must be an object of pieces and ids, got array");
  refuses("vocab", {{"a", 0}, {"b", 0}}, "pieces 'a' and 'b' have one id, 0");
  for (const json& id : {json(-1), json(1.5), json("0"), json(), json(1'000'000), json(1ull << 63)})
    refuses("vocab", {{"a", id}}, "the id of piece 'a' must be an integer from 0 to");
  refuses("merges", missing, "BPE: 'merges' is missing");
  // An object of merges: neither does the `tokenizers` package read one.
  for (const json& merges : {json(), json("a b"), json(3), json::object(), json{{"a b", 0}}})
    refuses("merges", merges, "BPE: 'merges' must be an array");
  for (const json& merge : {json("ab"), json("a b c"), json("a  b"), json(3), json::array({"a"}),
                            json::array({"a", "b", "ab"}), json::array({"a", 1}), json()})
    refuses("merges", json::array({"a b", merge}), "BPE: merge 2 must be two pieces");
  refuses("merges", json::array({"a c"}), "BPE: merge 1 ('a' and 'c') needs the piece 'c'");
  refuses("merges", json::array({"b a"}), "needs the piece 'ba', which is not in the vocabulary");
  refuses("continuing_subword_prefix", "##", "shorter than the continuing_subword_prefix");
  refuses("continuing_subword_prefix", 1, "'continuing_subword_prefix' must be a string");
  refuses("end_of_word_suffix", json::array(), "'end_of_word_suffix' must be a string");
  refuses("unk_token", 5, "'unk_token' must be a string");
  for (const char* flag : {"fuse_unk", "byte_fallback", "ignore_merges"})
    refuses(flag, "yes", "must be true or false");
  refuses("dropout", 0.5, "dropout is not supported");
  refuses("dropout", "none", "dropout is not supported");
}

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
  EXPECT_THAT([] { make_bpe_model(model_of({"a"}, {}), /*byte_level=*/true); },
              ThrowsMessage<std::runtime_error>(HasSubstr("every byte")));
  {
    const auto empty = make_bpe_model(model_of({}, {}), false);
    EXPECT_EQ(empty->vocab_size(), 0);
    EXPECT_THAT(ids(*empty, "text"), IsEmpty());
    const auto small = make_bpe_model(model_of({"a", "ab", "b"}, {"a b"}), false);
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
