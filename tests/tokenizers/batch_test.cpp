// Templates, truncation and padding. The expected lengths are those of the `tokenizers` package.
#include "tokenizers/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "tokenizers/pipeline.h"
#include "tokenizers/stages/post_template.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Words a to e, with BERT's template.
PipelineTokenizer bert_like(const std::string& first = "[PAD]") {
  return PipelineTokenizer(R"({"version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 1, "content": "[CLS]", "special": true},
                     {"id": 2, "content": "[SEP]", "special": true}],
    "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    "decoder": null,
    "model": {"type": "WordLevel", "unk_token": "a", "vocab": {")" +
                           first + R"(": 0, "[CLS]": 1, "[SEP]": 2,
              "a": 3, "b": 4, "c": 5, "d": 6, "e": 7}}})");
}

Encoding of_length(size_t length) {
  Encoding encoding;
  encoding.ids.resize(length);
  std::iota(encoding.ids.begin(), encoding.ids.end(), 0);
  encoding.offsets.resize(length);
  encoding.words.resize(length);
  return encoding;
}

std::pair<size_t, size_t> cut(size_t a, size_t b, size_t room, Truncation how) {
  Encoding first = of_length(a), second = of_length(b);
  truncate(first, second, room, how, Side::kRight);
  EXPECT_EQ(first.offsets.size(), first.ids.size());
  return {first.ids.size(), second.ids.size()};
}

TEST(TruncateTest, LongestFirstTakesFromTheLongerUntilBothAreEqual) {
  using P = std::pair<size_t, size_t>;
  const auto longest = Truncation::kLongestFirst;
  EXPECT_EQ(cut(5, 3, 7, longest), P(4, 3));
  EXPECT_EQ(cut(5, 3, 6, longest), P(3, 3));
  EXPECT_EQ(cut(5, 3, 5, longest), P(3, 2));
  EXPECT_EQ(cut(3, 5, 5, longest), P(2, 3));
  EXPECT_EQ(cut(4, 4, 5, longest), P(2, 3));
  EXPECT_EQ(cut(1, 9, 4, longest), P(1, 3));
  EXPECT_EQ(cut(1, 9, 1, longest), P(0, 1));
  EXPECT_EQ(cut(9, 1, 1, longest), P(1, 0));
  EXPECT_EQ(cut(0, 5, 3, longest), P(0, 3));
  EXPECT_EQ(cut(5, 3, 8, longest), P(5, 3));
}

TEST(TruncateTest, OneTextGivesAllThatIsTooMuchButNotItself) {
  using P = std::pair<size_t, size_t>;
  EXPECT_EQ(cut(5, 3, 4, Truncation::kOnlyFirst), P(1, 3));
  EXPECT_EQ(cut(5, 3, 6, Truncation::kOnlySecond), P(5, 1));
  EXPECT_THROW(cut(5, 3, 3, Truncation::kOnlyFirst), std::invalid_argument);
  EXPECT_THROW(cut(5, 3, 5, Truncation::kOnlySecond), std::invalid_argument);
}

TEST(TruncateTest, TheLeftSideGoesWhereAsked) {
  Encoding a = of_length(5), none;
  EXPECT_TRUE(truncate(a, none, 2, Truncation::kLongestFirst, Side::kLeft));
  EXPECT_THAT(a.ids, ElementsAre(3, 4));
}

TEST(BatchTest, RowsAreAsLongAsTheLongestWithMaskAndSegments) {
  const Batch batch = encode_batch(bert_like(), {{.a = "a b"}, {.a = "c", .b = "d e"}});
  EXPECT_THAT(batch.ids, ElementsAre(ElementsAre(1, 3, 4, 2, 0, 0), ElementsAre(1, 5, 2, 6, 7, 2)));
  EXPECT_THAT(batch.attention_mask,
              ElementsAre(ElementsAre(1, 1, 1, 1, 0, 0), ElementsAre(1, 1, 1, 1, 1, 1)));
  EXPECT_THAT(batch.type_ids,
              ElementsAre(ElementsAre(0, 0, 0, 0, 0, 0), ElementsAre(0, 0, 0, 1, 1, 1)));
  EXPECT_EQ(batch.truncated, 0u);
}

TEST(BatchTest, TheTemplateCountsInMaxLength) {
  const Batch batch =
      encode_batch(bert_like(), {{.a = "a b c d e"}, {.a = "a"}}, {.max_length = 4});
  EXPECT_THAT(batch.ids, ElementsAre(ElementsAre(1, 3, 4, 2), ElementsAre(1, 3, 2, 0)));
  EXPECT_EQ(batch.truncated, 1u);
}

TEST(BatchTest, PadsOnTheLeftAndToAMultiple) {
  const Batch batch = encode_batch(bert_like(), {{.a = "a"}},
                                   {.pad_to_multiple_of = 4, .padding_side = Side::kLeft});
  EXPECT_THAT(batch.ids, ElementsAre(ElementsAre(0, 1, 3, 2)));
  EXPECT_THAT(batch.attention_mask, ElementsAre(ElementsAre(0, 1, 1, 1)));
}

TEST(BatchTest, AnEmptyBatchAndAnEmptyTextAreFine) {
  EXPECT_TRUE(encode_batch(bert_like(), {}).ids.empty());
  EXPECT_THAT(encode_batch(bert_like(), {{.a = ""}}).ids, ElementsAre(ElementsAre(1, 2)));
}

TEST(BatchTest, SaysWhatCannotBe) {
  const auto tokenizer = bert_like("nothing");
  EXPECT_THAT(([&] {
                encode_batch(tokenizer, {{.a = "a"}, {.a = "a b"}});
              }),
              ThrowsMessage<std::invalid_argument>(HasSubstr("no padding token")));
  EXPECT_THAT(([&] { encode_batch(tokenizer, {{.a = "a"}}, {.max_length = 1}); }),
              ThrowsMessage<std::invalid_argument>(HasSubstr("no room for the template's 2 ids")));
  EXPECT_THAT(([&] {
                encode_batch(tokenizer, {{.a = "a"}},
                             {.truncation = Truncation::kOnlySecond, .max_length = 3});
              }),
              ThrowsMessage<std::invalid_argument>(HasSubstr("needs pairs")));
}

TEST(EncodeAllTest, ManyThreadsGiveWhatOneGives) {
  const auto tokenizer = bert_like();
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(std::string(i % 7, 'a') + " b c");
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto ids = encode_all(tokenizer, views, 3, {.add_special = true});
  ASSERT_EQ(ids.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(ids[i], tokenizer.ids(texts[i], {.add_special = true}));
  }
  EXPECT_TRUE(encode_all(tokenizer, {}, 2).empty());
}

TEST(PostTemplateTest, RobertasPairHasTwoSeparatorsAndOneSegment) {
  const auto post = read_post_template(nlohmann::json::parse(
      R"({"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]})"));
  EXPECT_EQ(post.added(false), 2u);
  EXPECT_EQ(post.added(true), 4u);
  Encoding a = of_length(1), b = of_length(1);
  a.ids = {10}, b.ids = {11};
  const Encoding whole = post.apply(a, b);
  EXPECT_THAT(whole.ids, ElementsAre(0, 10, 2, 2, 11, 2));
  EXPECT_THAT(whole.type_ids, ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(whole.words, ElementsAre(-1, 0, -1, -1, 0, -1));
}

PostTemplate read(const char* text) { return read_post_template(nlohmann::json::parse(text)); }

// As the package has it, stage after stage: tokenizers 0.23.3.
TEST(PostTemplateTest, EachStageTakesWhatTheOneBeforeMade) {
  const PostTemplate post = read(R"({"type": "Sequence", "processors": [
      {"type": "BertProcessing", "sep": ["s", 2], "cls": ["c", 1]}, {"type": "ByteLevel"},
      {"type": "Sequence", "processors": [
          {"type": "RobertaProcessing", "sep": ["s", 4], "cls": ["c", 3]}]}]})");
  Encoding a, b;
  a.ids = {10}, b.ids = {11};
  EXPECT_THAT(post.apply(a).ids, ElementsAre(3, 1, 10, 2, 4));
  EXPECT_THAT(post.apply(a, b).ids, ElementsAre(3, 1, 10, 2, 4, 4, 11, 2, 4));
  EXPECT_THAT(post.without_ids().apply(a, b).ids, ElementsAre(10, 11));
}

TEST(PostTemplateTest, ATemplateOfMoreTextsThanItTakesFailsWhenUsed) {
  const std::string one = R"({"type": "TemplateProcessing", "special_tokens": {"x": {"ids": [7]}},
      "single": [{"SpecialToken": {"id": "x", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"Sequence": {"id": "B", "type_id": 1}}]})";
  const PostTemplate twice =
      read((R"({"type": "Sequence", "processors": [)" + one + ", " + one + "]}").c_str());
  Encoding a;
  a.ids = {10};
  EXPECT_THAT(twice.apply(a).ids, ElementsAre(7, 7, 10));  // "x A" is a pair to the second
  EXPECT_THAT([&] { twice.apply(a, a); },
              ThrowsMessage<std::runtime_error>(HasSubstr("around two texts")));
  EXPECT_THAT(twice.without_ids().apply(a).ids, ElementsAre(10));
}

TEST(PostTemplateTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT([] { read(R"({"type": "Odd"})"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("post_processor Odd is not supported")));
}

}  // namespace
}  // namespace zoo
