// tokenizer.json as it was written before models named their type (2020): GPT-2's, BERT's, T5's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LegacyJsonTest, KeysTellTheModelsType) {
  const auto type_of = [](const char* model) { return type_of_model(json::parse(model)); };
  EXPECT_EQ(type_of(R"({"vocab": {"a": 0}, "merges": []})"), "BPE");
  EXPECT_EQ(type_of(R"({"vocab": {"a": 0}, "merges": [], "unk_token": "a",
                        "continuing_subword_prefix": "", "max_input_chars_per_word": 1})"),
            "BPE");
  EXPECT_EQ(type_of(R"({"vocab": {"a": 0}, "unk_token": "a", "continuing_subword_prefix": "##",
                        "max_input_chars_per_word": 100})"),
            "WordPiece");
  EXPECT_EQ(type_of(R"({"vocab": {"a": 0}, "unk_token": "a"})"), "WordLevel");
  EXPECT_EQ(type_of(R"({"vocab": [["a", 0.0]], "unk_id": 0})"), "Unigram");
  EXPECT_THAT([&] { type_of(R"({"vocab": {"a": 0}})"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("its keys tell none")));
}

TEST(LegacyJsonTest, OpensWithoutTypeAndLaterKeys) {
  const testing::TemporaryFolder folder;
  write_file(folder / "tokenizer.json", R"({"version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 3, "special": true, "content": "<|endoftext|>", "single_word": false,
                      "lstrip": false, "rstrip": false, "normalized": false}],
    "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
                                          "trim_offsets": true},
    "post_processor": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false},
    "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
    "model": {"dropout": null, "unk_token": null, "continuing_subword_prefix": "",
              "end_of_word_suffix": "", "fuse_unk": false,
              "vocab": {"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3}, "merges": ["a b"]}})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->kind(), "byte-bpe");
  EXPECT_EQ(tokenizer->ids("abb<|endoftext|>a"), (std::vector<int32_t>{2, 1, 3, 0}));
  const testing::TemporaryFolder saved;
  tokenizer->save(saved.path());  // vocab.json and merges.txt, too
  EXPECT_EQ(load_tokenizer(saved.path())->ids("abb"), (std::vector<int32_t>{2, 1}));
}

TEST(LegacyJsonTest, OpensWithNothingButAModel) {
  const json document = parse_tokenizer_json(
      R"({"model": {"vocab": {"[UNK]": 0, "hi": 1, "##s": 2}, "unk_token": "[UNK]",
                    "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}})");
  EXPECT_EQ(document["model"]["type"], "WordPiece");
  const testing::TemporaryFolder folder;
  write_file(folder / "tokenizer.json", document.dump());
  EXPECT_EQ(load_tokenizer(folder.path())->ids("his"), (std::vector<int32_t>{1, 2}));
}

}  // namespace
}  // namespace zoo
