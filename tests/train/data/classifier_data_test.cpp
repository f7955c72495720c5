// Labelled texts: reading them, making rows of them, and scoring answers.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/training/trainers.h"
#include "train/data/classifier_examples.h"
#include "train/data/labelled_text.h"
#include "train/objectives/classification_scores.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ClassifierDataTest : public ::testing::Test {
 protected:
  std::string write(const std::string& text) const {
    write_file(folder_ / "data.txt", text);
    return (folder_ / "data.txt").string();
  }
  template <class Read>
  std::string refusal(const std::string& text, Read read) const {
    try {
      read(write(text));
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "nothing refused";
  }
  /// Words "aa", "ab", "abab" of pieces a, ##a, b, ##b and the like.
  std::unique_ptr<Tokenizer> tokenizer() const {
    return train_tokenizer({.kind = TokenizerKind::kWordPiece, .vocab_size = 9}, {write("ab ba")});
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ClassifierDataTest, TablesAreReadAsSystemsSaveThem) {
  const std::string mark = "\xEF\xBB\xBF";
  const auto texts = read_labelled_text(write(mark + "good\ta\r\n\r\ngood\tb\r\n\r\n"));
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].label, "good");
  EXPECT_EQ(texts[1].a, "b");
  const auto sentences = read_tagged_text(write(mark + "anna B-PER\r\n\r\nsaw O\r\n"));
  ASSERT_EQ(sentences.size(), 2u);
  EXPECT_THAT(sentences[0].words, ElementsAre("anna"));
  EXPECT_THAT(sentences[0].tags, ElementsAre("B-PER"));
  EXPECT_THAT(refusal("a\tb\n\nc\n", read_labelled_text), HasSubstr("line 3: 1 columns"));
  EXPECT_THAT(refusal("\n\r\n", read_labelled_text), HasSubstr("has no texts"));
  EXPECT_THAT(refusal(std::string("\xFF\xFEg\0\t\0", 6), read_labelled_text),
              HasSubstr("UTF-16, expected UTF-8"));
}

TEST_F(ClassifierDataTest, ReadsTextsAndPairs) {
  const auto texts = read_labelled_text(write("good\ta fine day\r\nbad\tno, no\n"));
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].label, "good");
  EXPECT_EQ(texts[0].a, "a fine day");
  EXPECT_EQ(texts[1].b, std::nullopt);
  const auto pairs = read_labelled_text(write("same\tone\ttwo"));
  EXPECT_EQ(pairs[0].b, "two");
}

TEST_F(ClassifierDataTest, RefusesLinesOfAnotherForm) {
  EXPECT_THAT(refusal("good\ta\nwithout a tab\n", read_labelled_text),
              HasSubstr("data.txt line 2: 1 columns"));
  EXPECT_THAT(refusal("good\ta\tb\tc\n", read_labelled_text), HasSubstr("line 1: 4 columns"));
  EXPECT_THAT(refusal("good\t \n", read_labelled_text), HasSubstr("the text is empty"));
  EXPECT_THAT(refusal(" \ta\n", read_labelled_text), HasSubstr("the label"));
  EXPECT_THAT(refusal("x\ta\nx\ta\tb\n", read_labelled_text), HasSubstr("line 2: a pair"));
  EXPECT_THAT(refusal("", read_labelled_text), HasSubstr("is empty"));
  EXPECT_THAT(refusal("word\n", read_tagged_text), HasSubstr("line 1: expected a word"));
  EXPECT_THAT(refusal("a O\n\na b O\n", read_tagged_text), HasSubstr("line 3"));
  EXPECT_THAT(refusal("\n\n", read_tagged_text), HasSubstr("no words"));
}

TEST_F(ClassifierDataTest, ReadsSentencesOfTaggedWords) {
  const auto sentences = read_tagged_text(write("Anna\tB-PER\nsings O\n\n\nHush O\n"));
  ASSERT_EQ(sentences.size(), 2u);
  EXPECT_THAT(sentences[0].words, ElementsAre("Anna", "sings"));
  EXPECT_THAT(sentences[0].tags, ElementsAre("B-PER", "O"));
  EXPECT_THAT(sentences[1].words, ElementsAre("Hush"));
}

TEST_F(ClassifierDataTest, LabelsAreSortedAndAnUnknownOneIsRefused) {
  const LabelNames labels({"tragedy", "comedy", "tragedy"});
  EXPECT_THAT(labels.names(), ElementsAre("comedy", "tragedy"));
  EXPECT_EQ(labels.id_of("tragedy", "file"), 1);
  EXPECT_THAT([&] { labels.id_of("farce", "test.tsv"); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("test.tsv: label 'farce' is none of the 2 to learn: comedy, tragedy")));
}

TEST_F(ClassifierDataTest, TheFirstPieceOfAWordCarriesItsTag) {
  const auto made = tokenizer();
  const std::vector<TaggedSentence> sentences{
      {.words = {"ab", "b", "bab"}, .tags = {"X", "O", "X"}}};
  const LabelNames labels({"O", "X"});
  const auto examples = encode_sentences(sentences, labels, *made, 20, "file");
  ASSERT_EQ(examples.size(), 1);
  const auto& row = examples.rows[0];
  std::vector<std::string> pieces;
  for (const int32_t id : row.ids) pieces.push_back(made->piece_of(id));
  EXPECT_THAT(pieces, ElementsAre("[CLS]", "a", "##b", "b", "b", "##a", "##b", "[SEP]"));
  EXPECT_THAT(row.first_pieces, ElementsAre(1, 3, 4));
  const int64_t no = kIgnored;
  EXPECT_THAT(examples.classes[0], ElementsAre(no, 1, no, 0, 1, no, no, no));
}

TEST_F(ClassifierDataTest, WordsBeyondTheContextAreCut) {
  const auto made = tokenizer();
  const auto row = words_row(*made, {"ab", "ab", "ab"}, 6);
  EXPECT_TRUE(row.was_cut);
  EXPECT_EQ(row.ids.size(), 6u);
  EXPECT_EQ(row.ids.back(), *made->sep_id());
  EXPECT_THAT(row.first_pieces, ElementsAre(1, 3, -1));
}

TEST_F(ClassifierDataTest, PairsStandInOneRowAndTheLongerOneGivesWay) {
  const auto made = tokenizer();
  const auto row = text_row(*made, {.a = "a a a a a a", .b = "b b"}, 8);
  EXPECT_TRUE(row.was_cut);
  EXPECT_THAT(row.segments, ElementsAre(0, 0, 0, 0, 0, 1, 1, 1));
}

TEST_F(ClassifierDataTest, RowsAndClassesArePaddedAlike) {
  const auto made = tokenizer();
  const std::vector<TaggedSentence> sentences{{{"a"}, {"X"}}, {{"a", "b"}, {"O", "X"}}};
  const auto examples = encode_sentences(sentences, LabelNames({"O", "X"}), *made, 20, "file");
  const std::vector<int64_t> both{0, 1};
  const auto batch = collate_rows(examples.rows, both, 0);
  const auto classes = collate_classes(examples, both, /*of_words=*/true);
  EXPECT_EQ(batch.tokens.sizes(), classes.sizes());
  EXPECT_EQ(batch.lengths[0].item<int64_t>(), 3);
  EXPECT_EQ(batch.tokens[0][3].item<int64_t>(), 0);
  EXPECT_TRUE(torch::equal(classes[0], torch::tensor({-100, 1, -100, -100})));
}

// Right 0 0 0 1 1 2, predicted 0 0 1 1 1 1: F1 of 0 is 4/5, of 1 is 4/6, of 2 is 0.
TEST(ClassificationScoresTest, WorkedByHand) {
  ClassificationScores scores(4);
  const std::vector<std::pair<int64_t, int64_t>> answers{{0, 0}, {0, 0}, {1, 0},
                                                         {1, 1}, {1, 1}, {1, 2}};
  for (const auto& [predicted, right] : answers) scores.add(predicted, right);
  EXPECT_DOUBLE_EQ(scores.accuracy(), 4.0 / 6);
  EXPECT_DOUBLE_EQ(scores.macro_f1(), (0.8 + 2.0 / 3 + 0.0) / 3);
  EXPECT_DOUBLE_EQ(scores.majority_accuracy(), 0.5);
}

TEST(EntityScoresTest, SpansAreWhole) {
  const std::vector<std::string> tags{"B-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-PER", "I-PER"};
  EXPECT_THAT(entities_of(tags), ElementsAre(Entity{0, 2, "PER"}, Entity{3, 4, "LOC"},
                                             Entity{4, 5, "LOC"}, Entity{5, 7, "PER"}));
  EntityScores scores;
  EXPECT_EQ(scores.f1(), 0.0);
  const std::vector<std::string> predicted{"B-PER", "O", "O", "B-LOC", "B-LOC", "O", "O"};
  scores.add(predicted, tags);  // of three found two are right, of four to find
  EXPECT_DOUBLE_EQ(scores.f1(), 2.0 * 2 / (3 + 4));
  EXPECT_FALSE(mark_entities(std::vector<std::string>{"NOUN", "O"}));
}

}  // namespace
}  // namespace zoo
