#include "infer/generation/generation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/usage_error.h"
#include "infer/generation/generation_defaults.h"
#include "infer/generation/generation_keys.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

class GenerationConfigTest : public ::testing::Test {
 protected:
  GenerationConfig read(const std::string& own, const std::string& model = "{}") const {
    write_file(folder_ / "config.json", model);
    if (!own.empty()) write_file(folder_ / "generation_config.json", own);
    return read_generation_config(folder_.path());
  }
  std::string error_of(const std::string& own) const {
    try {
      settled(own);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "accepted";
  }
  SettledDecoding settled(const std::string& own, DecodeRequest request = {},
                          bool samples = false) const {
    return settle(request, read(own), samples);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(GenerationConfigTest, OneFileCountsAndTheOtherFillsNothingUp) {
  const auto own = read(R"({"eos_token_id": [1, 2], "top_k": 3})",
                        R"({"eos_token_id": 9, "bos_token_id": 4, "num_beams": 5})");
  EXPECT_THAT(own.ids.eos, ElementsAre(1, 2));
  EXPECT_FALSE(own.ids.bos.has_value());
  EXPECT_FALSE(own.settings.contains("num_beams"));
  std::filesystem::remove(folder_ / "generation_config.json");
  const auto model = read("", R"({"eos_token_id": 9, "bos_token_id": 4, "num_beams": 5,
                                  "hidden_size": 8, "decoder": {"num_beams": 2, "top_k": 7}})");
  EXPECT_THAT(model.ids.eos, ElementsAre(9));
  EXPECT_EQ(model.settings.at("num_beams"), 5);
  EXPECT_EQ(model.settings.at("top_k"), 7);  // of the decoder's part, where the whole is silent
  EXPECT_THAT(model.unread, IsEmpty());
}

TEST_F(GenerationConfigTest, OlderNamesOfAForcedFirstToken) {
  const auto old = R"({"force_bos_token_to_be_generated": true, "bos_token_id": 4})";
  EXPECT_EQ(read("", old).settings.at("forced_bos_token_id"), 4);
  EXPECT_FALSE(read(old).settings.contains("forced_bos_token_id"));  // as the reference
}

TEST_F(GenerationConfigTest, AFolderWithoutFilesSaysNothing) {
  const auto nothing = read_generation_config(folder_ / "none");
  EXPECT_TRUE(nothing.file.empty());
  EXPECT_TRUE(nothing.settings.empty());
}

TEST_F(GenerationConfigTest, RefusesInOneLineWhatItDoesNotHonour) {
  EXPECT_THAT(error_of("[1]"), HasSubstr("generation_config.json: not a JSON object"));
  EXPECT_THAT(error_of("{"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(R"({"guidance_scale": 1.5})"),
              HasSubstr("\"guidance_scale\" is not honoured"));
  EXPECT_EQ(error_of(R"({"guidance_scale": 1.0, "max_time": null, "token_healing": false})"),
            "accepted");
  EXPECT_THAT(error_of(R"({"streamer": 3})"), HasSubstr("argument of Python's generate"));
  EXPECT_THAT(error_of(R"({"eos_token_id": "</s>"})"), HasSubstr("\"eos_token_id\" must be"));
  EXPECT_THAT(error_of(R"({"decoder_start_token_id": [1, 2]})"), HasSubstr("a list of 2 ids"));
  EXPECT_EQ(read(R"({"decoder_start_token_id": [7]})").ids.decoder_start, 7);
  EXPECT_THAT([&] { settled(R"({"num_beams": 0})"); },
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("generation_config.json: num-beams must be at least 1, got 0")));
  EXPECT_THAT([&] { settled(R"({"top_k": 1.5})"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("\"top_k\" must be a whole number")));
}

TEST_F(GenerationConfigTest, FlagsGoBeforeTheFileAndTheFileBeforeOurDefaults) {
  const std::string own = R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9})";
  const auto file = settled(own).options;
  EXPECT_EQ(file.sampling.temperature, 0.6);
  EXPECT_EQ(file.sampling.top_p, 0.9);
  EXPECT_EQ(file.sampling.top_k, 50);  // the reference's, wherever it draws
  DecodeRequest request{.options = {.sampling = {.temperature = 0.2}}, .given = {"temperature"}};
  EXPECT_EQ(settled(own, request).options.sampling.temperature, 0.2);
  request.options.sampling.temperature = 0.0;
  const auto cold = settled(own, request);
  EXPECT_TRUE(cold.options.sampling.greedy());
  EXPECT_EQ(cold.options.sampling.top_p, 1.0);
  EXPECT_THAT(cold.note, ::testing::Not(HasSubstr("top_p")));
  EXPECT_FALSE(settled("{}", {}, /*samples=*/true).options.sampling.greedy());
  EXPECT_TRUE(settled(R"({"do_sample": false})", {}, true).options.sampling.greedy());
}

TEST_F(GenerationConfigTest, NewTokensGoBeforeLengths) {
  EXPECT_EQ(settled(R"({"max_length": 9})").options.max_length, 9);
  EXPECT_EQ(settled(R"({"max_length": 9, "max_new_tokens": 4})").options.max_length, 0);
  EXPECT_EQ(settled(R"({"max_length": 9, "max_new_tokens": 4})").options.max_new_tokens, 4);
  const DecodeRequest request{.options = {.max_new_tokens = 5}, .given = {"max-new-tokens"}};
  EXPECT_EQ(settled(R"({"max_length": 9, "min_new_tokens": 7})", request).options.max_length, 0);
  EXPECT_EQ(settled(R"({"min_new_tokens": 7})", request).options.min_new_tokens, 5);
}

TEST_F(GenerationConfigTest, BeamsAreDrawnWhereTheFileDraws) {
  const std::string own = R"({"do_sample": true, "num_beams": 3, "penalty_alpha": 0.6})";
  EXPECT_TRUE(settled(own).options.beams.sample);
  EXPECT_EQ(settled(own).options.penalty_alpha, 0.0);
  const DecodeRequest request{.given = {"do-sample"}, .do_sample = false};
  EXPECT_FALSE(settled(own, request).options.beams.sample);
  const auto one = settled(R"({"length_penalty": 2.0, "early_stopping": true})");
  EXPECT_EQ(one.options.beams.length_penalty, 1.0);  // of no use to one text
}

TEST_F(GenerationConfigTest, ContrastiveSearchIsAskedForAsInTheReference) {
  EXPECT_EQ(settled(R"({"penalty_alpha": 0.6, "top_k": 4})").options.sampling.top_k, 4);
  EXPECT_EQ(settled(R"({"penalty_alpha": 0.6, "top_k": 4})", {}, true).options.penalty_alpha, 0.6);
  EXPECT_EQ(settled(R"({"penalty_alpha": 0.6, "top_k": 1})").options.penalty_alpha, 0.0);
  EXPECT_EQ(settled(R"({"penalty_alpha": 0.6, "do_sample": true})").options.penalty_alpha, 0.0);
}

TEST_F(GenerationConfigTest, TheNoteNamesWhatWasTakenAndWhatNothingReads) {
  const auto made = settled(R"({"eos_token_id": [1, 2], "repetition_penalty": 1.5, "chat": 1})");
  EXPECT_EQ(made.note,
            "from generation_config.json: eos_token_id [1,2], repetition_penalty 1.5; not used: "
            "chat");
  EXPECT_THAT(made.options.eos_ids, ElementsAre(1, 2));
  EXPECT_EQ(settled("{}").note, "");
}

TEST_F(GenerationConfigTest, FlagsThatNothingUsesAreRefused) {
  DecodeRequest request{.options = {.sampling = {.temperature = 0.0, .top_k = 5}},
                        .given = {"temperature", "top-k"}};
  EXPECT_THAT([&] { settled("{}", request); },
              ThrowsMessage<UsageError>(HasSubstr("--top-k is for sampling; temperature 0")));
  request.given = {"top-k", "do-sample"};
  EXPECT_THAT([&] { settled("{}", request); }, ThrowsMessage<UsageError>(HasSubstr("--top-k")));
  request = {.options = {.max_length = 3}, .given = {"max-length", "max-new-tokens"}};
  EXPECT_THAT([&] { settled("{}", request); },
              ThrowsMessage<UsageError>(HasSubstr("--max-length")));
}

TEST_F(GenerationConfigTest, WithoutTheSettingsTheIdsStay) {
  const DecodeRequest request{.generation_config = false};
  const auto made = settled(R"({"eos_token_id": 3, "num_beams": 4})", request);
  EXPECT_THAT(made.options.eos_ids, ElementsAre(3));
  EXPECT_EQ(made.options.beams.num_beams, 1);
}

TEST_F(GenerationConfigTest, WhatARunSavesIsReadAgain) {
  write_file(folder_ / "config.json", R"({"eos_token_id": 9})");
  const SpecialIds ids{.bos = 0, .eos = {2}, .pad = 1, .decoder_start = 5};
  save_generation_config(ids, {5, 1}, 4, folder_.path());
  const auto made = settle({}, read_generation_config(folder_.path()), false);
  EXPECT_EQ(made.options.beams.num_beams, 4);
  EXPECT_THAT(made.options.processors.suppress_tokens, ElementsAre(5, 1));
  EXPECT_THAT(made.ids.eos, ElementsAre(2));
  EXPECT_EQ(made.ids.decoder_start, 5);
}

}  // namespace
}  // namespace zoo
