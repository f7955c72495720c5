// Whole trainings of byte-bpe, wordpiece and bpe: from a text to a tokenizer and its files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/files.h"
#include "tests/tokenizers/texts.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;
using enum TokenizerKind;

constexpr TokenizerKind kMergingKinds[] = {kByteBpe, kWordPiece, kBpe};

std::vector<std::string> pieces_of(const Tokenizer& tokenizer) {
  std::vector<std::string> pieces;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) pieces.push_back(tokenizer.piece_of(id));
  return pieces;
}

json saved_document(const Tokenizer& tokenizer) {
  const testing::TemporaryFolder folder;
  tokenizer.save(folder.path());
  return json::parse(read_file(folder / "tokenizer.json"));
}

/// What a refusal says; "trained" where there is none.
std::string refusal(const std::string& text, const TokenizerTraining& options) {
  try {
    testing::train_on(text, options);
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "trained";
}

TEST(SubwordTrainingTest, MakesTheVocabularyAndMergesOfThePythonPackage) {
  const json golden = json::parse(read_file("tests/golden/tokenizers/bpe_training.json"));
  std::set<std::string> kinds;
  for (const json& entry : golden["texts"]) {
    TokenizerTraining options;
    options.kind = parse_enum<TokenizerKind>(entry["kind"].get<std::string>());
    entry["vocab_size"].get_to(options.vocab_size);
    entry["min_frequency"].get_to(options.min_frequency);
    entry["cased"].get_to(options.cased);
    entry["add_prefix_space"].get_to(options.add_prefix_space);
    options.special_tokens = entry["special_tokens"].get<std::vector<std::string>>();
    if (options.special_tokens.empty()) options.special_tokens = {""};  // none, not the default
    const auto tokenizer = testing::train_on(entry["text"], options);
    EXPECT_EQ(pieces_of(*tokenizer), entry["pieces"].get<std::vector<std::string>>()) << entry;
    if (options.kind != kWordPiece) {
      EXPECT_EQ(saved_document(*tokenizer)["model"]["merges"], entry["merges"]) << entry;
    }
    kinds.insert(entry["kind"]);
  }
  EXPECT_EQ(kinds.size(), std::size(kMergingKinds));
}

TEST(SubwordTrainingTest, LoadedFromItsFolderTheTokenizerIsTheSame) {
  for (const auto kind : kMergingKinds) {
    const auto tokenizer =
        testing::train_on(testing::small_text(), {.kind = kind, .vocab_size = 350});
    EXPECT_EQ(tokenizer->vocab_size(), 350);
    EXPECT_EQ(tokenizer->kind(), name_of(kind));
    const testing::TemporaryFolder folder;
    tokenizer->save(folder.path());
    const auto loaded = load_tokenizer(folder.path());
    EXPECT_EQ(fingerprint(*loaded), fingerprint(*tokenizer));
    EXPECT_EQ(loaded->ids("The ship sleeps, 123 \xC3\xA9"),
              tokenizer->ids("The ship sleeps, 123 \xC3\xA9"));
  }
}

TEST(SubwordTrainingTest, WritesTheFilesOfItsFamily) {
  const testing::TemporaryFolder folder;
  testing::train_on("low lower newest widest", {.kind = kByteBpe, .vocab_size = 260})
      ->save(folder.path());
  EXPECT_THAT(read_file(folder / "merges.txt"), HasSubstr("e s"));
  EXPECT_EQ(json::parse(read_file(folder / "vocab.json"))["<|endoftext|>"], 0);
  testing::train_on("low lower newest widest", {.kind = kWordPiece})->save(folder.path());
  EXPECT_THAT(read_file(folder / "vocab.txt"),
              ::testing::StartsWith("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nd\n"));
  EXPECT_EQ(json::parse(read_file(folder / "tokenizer_config.json"))["do_lower_case"], true);
}

TEST(SubwordTrainingTest, AnyNumberOfThreadsGivesTheSameTokenizer) {
  std::string text;  // more than one block
  while (text.size() < 3'000'000) text += testing::small_text();
  for (const auto kind : kMergingKinds) {
    const TokenizerTraining one = {.kind = kind, .vocab_size = 700, .threads = 1};
    TokenizerTraining many = one;
    many.threads = 7;
    EXPECT_EQ(fingerprint(*testing::train_on(text, one)),
              fingerprint(*testing::train_on(text, many)));
  }
}

TEST(SubwordTrainingTest, DecodeUndoesEncodeOfByteBpeWithEveryPattern) {
  std::mt19937 random(11);
  for (const auto& [pattern, name] : EnumNames<WordPattern>::values) {
    const auto tokenizer = testing::train_on(
        testing::small_text(), {.kind = kByteBpe, .vocab_size = 500, .pattern = pattern});
    for (int i = 0; i < 100; ++i) {
      const std::string text = testing::random_unicode(random) + " the ship's 12345 ";
      EXPECT_EQ(tokenizer->decode(tokenizer->ids(text)), text) << name;
    }
  }
}

TEST(SubwordTrainingTest, OptionsReachTheTokenizer) {
  const std::string text =
      "\xC3\x81"
      "b 12345 \xC3\x81"
      "b\n";
  const auto uncased = testing::train_on(text, {.kind = kWordPiece});
  EXPECT_TRUE(uncased->id_of("ab"));
  const auto cased = testing::train_on(text, {.kind = kWordPiece, .cased = true});
  EXPECT_TRUE(
      cased->id_of("\xC3\x81"
                   "b"));
  const auto few = testing::train_on("aaab", {.kind = kWordPiece, .limit_alphabet = 1});
  EXPECT_EQ(few->id_of("b"), std::nullopt);
  EXPECT_EQ(few->ids("b").front(), few->unk_id());
  const auto triples =
      testing::train_on(text + text, {.kind = kByteBpe, .pattern = WordPattern::kCl100k});
  EXPECT_TRUE(triples->id_of("123"));
  EXPECT_EQ(triples->id_of("1234"), std::nullopt);
  const auto spaced = testing::train_on("ab ab", {.kind = kByteBpe, .add_prefix_space = true});
  EXPECT_EQ(spaced->ids("ab"), spaced->ids(" ab"));
}

TEST(SubwordTrainingTest, SpecialTokensAreTheFirstIds) {
  const auto named =
      testing::train_on("a<s>b", {.kind = kByteBpe, .special_tokens = {"<s>", "</s>", "<pad>"}});
  EXPECT_EQ(named->piece_of(2), "<pad>");
  EXPECT_EQ(named->bos_id(), 0);
  EXPECT_TRUE(named->is_special(1));
  EXPECT_EQ(named->ids("<s>").size(), 1u);
  const auto none = testing::train_on("ab", {.kind = kByteBpe, .special_tokens = {""}});
  EXPECT_EQ(none->piece_of(0), "!");
  const auto bert = testing::train_on("ab", {.kind = kWordPiece});
  EXPECT_EQ(pieces_of(*bert), (std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                                        "[MASK]", "a", "b", "##b"}));
  EXPECT_THAT(bert->ids("a", {.add_special = true}), ElementsAre(2, 5, 3));
  std::vector<std::string> more = bert_special_tokens();
  more.push_back("[user]");
  const auto chat = testing::train_on("ab", {.kind = kWordPiece, .special_tokens = more});
  EXPECT_THAT(chat->ids("[user] a"), ElementsAre(5, 6));
}

TEST(SubwordTrainingTest, ATextMayHaveFewerPiecesThanWereAskedFor) {
  EXPECT_EQ(testing::train_on("a", {.kind = kByteBpe})->vocab_size(), 257);
  EXPECT_EQ(testing::train_on("a", {.kind = kWordPiece})->vocab_size(), 6);
  EXPECT_EQ(testing::train_on("a", {.kind = kBpe})->vocab_size(), 3);  // <unk>, a, a</w>
  EXPECT_EQ(testing::train_on("abab", {.kind = kByteBpe, .vocab_size = 257})->vocab_size(), 257);
}

TEST(SubwordTrainingTest, SaysWhyATextDoesNotDo) {
  EXPECT_THAT(refusal("ab", {.kind = kByteBpe, .vocab_size = 256}),
              AllOf(HasSubstr("vocab-size 256 is too small"), HasSubstr("need 257")));
  EXPECT_THAT(refusal("abcdef", {.kind = kWordPiece, .vocab_size = 9}),
              AllOf(HasSubstr("need 16"), HasSubstr("or a lower limit-alphabet")));
  EXPECT_THAT(refusal("", {.kind = kByteBpe}), HasSubstr("all files are empty"));
  EXPECT_THAT(refusal(" \n\t ", {.kind = kWordPiece}), HasSubstr("no words to train on"));
  EXPECT_THAT(refusal("a\xFF", {.kind = kByteBpe}), HasSubstr("byte 0xFF at 1 is not valid UTF-8"));
  EXPECT_THAT(refusal(std::string("a\0", 2), {.kind = kBpe}), HasSubstr("zero byte at 1"));
}

TEST(SubwordTrainingTest, RefusesOptionsOfOtherKindsAndOddSpecialTokens) {
  EXPECT_THAT(refusal("a", {.kind = kCharacter, .min_frequency = 3}),
              HasSubstr("min-frequency is for"));
  EXPECT_THAT(refusal("a", {.kind = kCharacter, .special_tokens = {"<s>"}}),
              HasSubstr("special-tokens is for"));
  EXPECT_THAT(refusal("a", {.kind = kSentencePieceBpe, .trace = 3}), HasSubstr("trace is for"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .cased = true}), HasSubstr("cased is for wordpiece"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .limit_alphabet = 9}),
              HasSubstr("always the 256 bytes"));
  EXPECT_THAT(refusal("a", {.kind = kBpe, .pattern = WordPattern::kO200k}),
              HasSubstr("pattern is for byte-bpe"));
  EXPECT_THAT(
      refusal("a", {.kind = kByteBpe, .pattern = WordPattern::kO200k, .add_prefix_space = true}),
      HasSubstr("add-prefix-space is for byte-bpe with pattern gpt2"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .min_frequency = -1}),
              HasSubstr("min-frequency must be"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .special_tokens = {"a", ""}}),
              HasSubstr("one is empty"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .special_tokens = {"<s>", "<s>"}}),
              HasSubstr("'<s>' is given twice"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .special_tokens = {"a\nb"}}),
              HasSubstr("control character"));
  EXPECT_THAT(refusal("a", {.kind = kByteBpe, .special_tokens = {"a\xFF"}}),
              HasSubstr("not valid UTF-8"));
  EXPECT_THAT(refusal("a", {.kind = kWordPiece, .special_tokens = {"[UNK]"}}),
              HasSubstr("give [PAD] as well"));
  EXPECT_THAT(refusal("a", {.kind = kWordPiece, .special_tokens = {""}}),
              HasSubstr("give [PAD] as well"));
}

TEST(SubwordTrainingTest, CanBeWatchedAndStopped) {
  const testing::TemporaryFolder folder;
  testing::write_quickly(folder / "text", testing::small_text());
  std::vector<std::string> stages, lines;
  int64_t last = 0, whole = 0;
  const TrainingWatch watch = {.progress =
                                   [&](std::string_view stage, int64_t done, int64_t total) {
                                     if (stages.empty() || stages.back() != stage)
                                       stages.emplace_back(stage);
                                     last = done;
                                     whole = total;
                                   },
                               .trace = [&](const std::string& line) { lines.push_back(line); }};
  train_tokenizer({.kind = kByteBpe, .vocab_size = 300, .trace = 2}, {folder / "text"}, watch);
  EXPECT_THAT(stages, ElementsAre("counting words", "merging pairs"));
  EXPECT_EQ(last, 300);
  EXPECT_EQ(whole, 300);
  EXPECT_THAT(lines, ElementsAre(::testing::StartsWith("1  "), ::testing::StartsWith("2  ")));
  const TrainingWatch stop = {.progress = [](std::string_view stage, int64_t, int64_t) {
    if (stage == "merging pairs") throw std::runtime_error("enough");
  }};
  EXPECT_THAT([&] { train_tokenizer({.kind = kByteBpe}, {folder / "text"}, stop); },
              ThrowsMessage<std::runtime_error>("enough"));
}

}  // namespace
}  // namespace zoo
