#include "infer/translation/pair_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

const CharacterTokenizer kTokenizer(U"abc", {.sequence = true});  // <pad> 3, <s> 4, </s> 5

TEST(PairFormatTest, OurSourcesEndAndOthersAreWhatTheirTemplateMakes) {
  const auto ids = pair_ids(kTokenizer);
  bool truncated = true;
  const auto read = [&](const PairFormat& format, int64_t longest = 0) {
    return source_ids(kTokenizer, format, "abc", longest, truncated);
  };
  EXPECT_THAT(read(training_format(kTokenizer, ids)), ElementsAre(0, 1, 2, 5));
  EXPECT_FALSE(truncated);
  EXPECT_THAT(read(folder_format(kTokenizer, ids, /*ours=*/true)), ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(read(folder_format(kTokenizer, ids, /*ours=*/false)), ElementsAre(0, 1, 2));
  PairFormat bart = folder_format(kTokenizer, ids, false);
  bart.source = PostTemplate({4}, {5});
  EXPECT_THAT(read(bart), ElementsAre(4, 0, 1, 2, 5));
  EXPECT_THAT(read(bart, 4), ElementsAre(4, 0, 1, 5));  // the text gives way, not the template
  EXPECT_TRUE(truncated);
  EXPECT_THAT(read(bart, 1), ElementsAre(4, 5));
}

TEST(PairFormatTest, AFolderSaysWhatATargetStartsWithOrIsRefused) {
  EXPECT_EQ(folder_format(kTokenizer, {.bos = 4, .eos = {5}}, false).start, 4);
  EXPECT_EQ(folder_format(kTokenizer, {.bos = 4, .decoder_start = 1}, false).start, 1);
  EXPECT_THAT(folder_format(kTokenizer, {.bos = 4}, false).ends, IsEmpty());
  EXPECT_THAT([] { folder_format(kTokenizer, {.eos = {5}}, false); },
              ThrowsMessage<std::runtime_error>(HasSubstr("decoder_start_token_id")));
}

TEST(PairFormatTest, WhatStandsAroundATargetIsNeverInIt) {
  EXPECT_THAT(never_written({.start = 4, .ends = {5}, .pad = 3}), ElementsAre(4, 3));
  EXPECT_THAT(never_written({.start = 5, .ends = {5}, .pad = 3}), ElementsAre(3));
  EXPECT_THAT(never_written({.start = 3, .ends = {5}, .pad = 3}), ElementsAre(3));
}

TEST(PairFormatTest, ASavedTokenizerHasTheTemplateThatPythonReads) {
  const testing::TemporaryFolder folder;
  save_with_template(kTokenizer, PostTemplate({}, {5}), folder.path());
  const auto again = load_tokenizer(folder.path());
  EXPECT_THAT(again->ids("ab"), ElementsAre(0, 1));
  EXPECT_THAT(again->ids("ab", {.add_special = true}), ElementsAre(0, 1, 5));
}

}  // namespace
}  // namespace zoo
