#include "tokenizers/algorithms/wordpiece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

json wordpiece_of(const std::vector<std::string>& pieces, size_t max_characters = 100,
                  const std::string& prefix = "##") {
  json vocab = json::object();
  for (size_t i = 0; i < pieces.size(); ++i) vocab[pieces[i]] = i;
  return {{"type", "WordPiece"},
          {"unk_token", "[UNK]"},
          {"continuing_subword_prefix", prefix},
          {"max_input_chars_per_word", max_characters},
          {"vocab", vocab}};
}

std::vector<std::string> split(const SubwordModel& model, std::string_view word) {
  std::vector<int32_t> ids;
  std::vector<size_t> ends;
  model.encode(word, ids, &ends);
  EXPECT_EQ(ids.size(), ends.size());
  EXPECT_TRUE(ends.empty() || ends.back() == word.size());
  std::vector<std::string> pieces;
  for (const int32_t id : ids) pieces.push_back(model.piece_of(id));
  return pieces;
}

std::string refusal(const json& model) {
  try {
    make_wordpiece_model(model);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(WordPieceTest, SplitsTheExampleOfItsPaper) {
  const auto model = make_wordpiece_model(wordpiece_of({"[UNK]", "un", "##aff", "##able", "##a"}));
  EXPECT_THAT(split(*model, "unaffable"), ElementsAre("un", "##aff", "##able"));
}

TEST(WordPieceTest, SplitsTheExampleOfLinMaxMatch) {
  // Song et al. 2021, table 1.
  const auto model =
      make_wordpiece_model(wordpiece_of({"[UNK]", "a", "abcdx", "##b", "##c", "##cdy", "##dz"}));
  EXPECT_THAT(split(*model, "abcdz"), ElementsAre("a", "##b", "##c", "##dz"));
  EXPECT_THAT(split(*model, "abcdx"), ElementsAre("abcdx"));
  EXPECT_THAT(split(*model, "abcd"), ElementsAre("[UNK]"));
}

TEST(WordPieceTest, TellsWhereEachPieceEnds) {
  const auto model = make_wordpiece_model(wordpiece_of({"[UNK]", "caf", "##\u00E9", "##s"}));
  std::vector<int32_t> ids = {7};
  std::vector<size_t> ends = {9};
  model->encode("caf\u00E9s", ids, &ends);
  EXPECT_THAT(ids, ElementsAre(7, 1, 2, 3));
  EXPECT_THAT(ends, ElementsAre(9, 3, 5, 6));
  model->encode("cafx", ids, &ends);
  EXPECT_THAT(ids, ElementsAre(7, 1, 2, 3, 0));
  EXPECT_THAT(ends, ElementsAre(9, 3, 5, 6, 4));
}

TEST(WordPieceTest, ARestWithoutPieceMakesTheWholeWordUnknown) {
  const auto model = make_wordpiece_model(wordpiece_of({"[UNK]", "un", "##aff"}));
  EXPECT_THAT(split(*model, "unaffx"), ElementsAre("[UNK]"));
  EXPECT_THAT(split(*model, "aff"), ElementsAre("[UNK]"));  // "##aff" begins no word
  EXPECT_THAT(split(*model, ""), ElementsAre());
}

TEST(WordPieceTest, CountsCharactersNotBytes) {
  const auto model = make_wordpiece_model(wordpiece_of({"[UNK]", "\u00E9", "##\u00E9"}, 3));
  EXPECT_THAT(split(*model, "\u00E9\u00E9\u00E9"), ElementsAre("\u00E9", "##\u00E9", "##\u00E9"));
  EXPECT_THAT(split(*model, "\u00E9\u00E9\u00E9\u00E9"), ElementsAre("[UNK]"));
}

TEST(WordPieceTest, APrefixInTheWordIsText) {
  const auto model = make_wordpiece_model(wordpiece_of({"[UNK]", "#", "##", "###", "a", "##a"}));
  EXPECT_THAT(split(*model, "##a"), ElementsAre("##a"));
  EXPECT_THAT(split(*model, "####"), ElementsAre("###", "###"));
  EXPECT_THAT(split(*model, "a#"), ElementsAre("a", "###"));
  EXPECT_THAT(split(*model, "#a"), ElementsAre("#", "##a"));
}

TEST(WordPieceTest, ThePrefixMayBeAnotherOrNone) {
  const auto other = make_wordpiece_model(wordpiece_of({"[UNK]", "ab", "@c"}, 100, "@"));
  EXPECT_THAT(split(*other, "abc"), ElementsAre("ab", "@c"));
  const auto none = make_wordpiece_model(wordpiece_of({"[UNK]", "ab", "c"}, 100, ""));
  EXPECT_THAT(split(*none, "abcab"), ElementsAre("ab", "c", "ab"));
}

TEST(WordPieceTest, NamesItsPieces) {
  json json_model = wordpiece_of({"[UNK]", "a"});
  json_model["vocab"]["far"] = 1000;
  const auto model = make_wordpiece_model(json_model);
  EXPECT_EQ(model->vocab_size(), 1001);
  EXPECT_EQ(model->id_of("far"), 1000);
  EXPECT_EQ(model->id_of("fa"), std::nullopt);
  EXPECT_EQ(model->piece_of(1000), "far");
  EXPECT_EQ(model->piece_of(999), "");
  EXPECT_EQ(model->piece_of(-1), "");
  EXPECT_EQ(model->unk_id(), 0);
}

TEST(WordPieceTest, WithoutUnknownTokenAnUnknownWordIsAnError) {
  const auto model = make_wordpiece_model(wordpiece_of({"a"}));
  EXPECT_EQ(model->unk_id(), std::nullopt);
  EXPECT_THAT(split(*model, "a"), ElementsAre("a"));
  try {
    split(*model, "b");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the vocabulary has no '[UNK]'"));
  }
  json odd = wordpiece_of({"a"});
  odd["unk_token"] = "\n";
  try {
    split(*make_wordpiece_model(odd), "b");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
  }
}

TEST(WordPieceTest, RefusesDamagedModels) {
  const json good = wordpiece_of({"[UNK]", "a"});
  for (const char* name :
       {"vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"}) {
    json model = good;
    model.erase(name);
    EXPECT_THAT(refusal(model), HasSubstr(std::string("as \"") + name + "\", found nothing"));
    model[name] = 1.5;
    EXPECT_THAT(refusal(model), HasSubstr("found number"));
  }
  for (const json& id : {json(-1), json(1e9), json(5'000'000'000), json("1"), json(nullptr),
                         json(18446744073709551615u)}) {
    json model = good;
    model["vocab"]["line\nfeed"] = id;
    EXPECT_THAT(refusal(model), HasSubstr("\"line\\nfeed\" must have an id from 0 to"));
  }
  json twice = good;
  twice["vocab"]["b"] = 1;
  EXPECT_EQ(refusal(twice), "WordPiece: \"a\" and \"b\" have one id, 1");
  EXPECT_THAT(refusal(json::array()), HasSubstr("found nothing"));
}

TEST(WordPieceTest, AnEmptyVocabularyKnowsNothing) {
  const auto model = make_wordpiece_model(wordpiece_of({}));
  EXPECT_EQ(model->vocab_size(), 0);
  EXPECT_EQ(model->id_of(""), std::nullopt);
}

TEST(WordPieceTest, LongWordsAreNoTrouble) {
  constexpr size_t kLength = 1'000'000;
  const std::string deep(kLength / 10, 'a');  // followed by b: looked for at every place
  const auto model = make_wordpiece_model(
      wordpiece_of({"[UNK]", "a", "##a", deep + "b", "##" + deep + "b", "##aaa"}, kLength + 1));
  std::vector<int32_t> ids;
  model->encode(std::string(kLength, 'a'), ids, nullptr);
  EXPECT_EQ(ids.size(), 1 + kLength / 3);
  ids.clear();
  model->encode(std::string(kLength, 'a') + "c", ids, nullptr);
  EXPECT_THAT(ids, ElementsAre(0));
}

// ---- Oracle
// --------------------------------------------------------------------------------------
/// The longest piece at each place, found by trying all of them.
std::vector<std::string> naive(const std::set<std::string>& pieces, const std::string& word) {
  std::vector<std::string> found;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    const std::string prefix = begin > 0 ? "##" : "";
    while (end > begin && pieces.count(prefix + word.substr(begin, end - begin)) == 0) --end;
    if (end == begin) return {"[UNK]"};
    found.push_back(prefix + word.substr(begin, end - begin));
    begin = end;
  }
  return found;
}

TEST(WordPieceTest, EqualsTheNaiveLongestMatch) {
  EXPECT_TRUE(rc::check("greedy, piece by piece", [] {
    const auto letters = rc::gen::nonEmpty(
        rc::gen::container<std::string>(rc::gen::element('a', 'a', 'b', 'c', '#')));
    std::set<std::string> pieces = {"[UNK]"};
    for (const auto& text : *rc::gen::container<std::vector<std::string>>(letters)) {
      pieces.insert(text);
      pieces.insert("##" + text.substr(0, 1 + text.size() / 2));
    }
    const auto model = make_wordpiece_model(wordpiece_of({pieces.begin(), pieces.end()}));
    for (const auto& word : *rc::gen::container<std::vector<std::string>>(letters)) {
      std::string doubled = word + word;
      if (doubled.size() > 100) continue;
      RC_ASSERT(split(*model, doubled) == naive(pieces, doubled));
    }
  }));
}

}  // namespace
}  // namespace zoo
