// A trained GPT read beyond the length of its training.
#include "models/gpt/length_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/option_error.h"
#include "models/gpt/gpt.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

GptOptions of_kind(PositionKind kind) {
  GptOptions options = testing::tiny_gpt();
  options.position = kind;
  return options;
}

std::string refusal(const GptOptions& model, const LengthOptions& lengths) {
  try {
    with_lengths(model, lengths);
  } catch (const OptionError& error) {
    return error.with_dashes();
  }
  return "";
}

TEST(LengthOptionsTest, NothingAskedChangesNothing) {
  for (const auto& [name, options] : testing::tiny_gpts()) {
    const auto same = with_lengths(options, {});
    EXPECT_EQ(same.context, options.context) << name;
    EXPECT_EQ(same.rotary.factor, options.rotary.factor) << name;
    EXPECT_EQ(same.self_extend_window, options.self_extend_window) << name;
  }
}

TEST(LengthOptionsTest, AnyContextButThatOfALearnedTable) {
  for (const auto& [kind, name] : EnumNames<PositionKind>::values) {
    if (kind == PositionKind::kLearned) continue;
    EXPECT_EQ(with_lengths(of_kind(kind), {.context = 48}).context, 48) << name;
  }
  EXPECT_EQ(refusal(of_kind(PositionKind::kLearned), {.context = 48}),
            "--context must be 12 for this model, which has learned so many positions, got 48");
  EXPECT_EQ(refusal(of_kind(PositionKind::kLearned), {.context = 12}), "");
}

TEST(LengthOptionsTest, AScalingBeginsWithWhatFitsTheTwoContexts) {
  const auto rotary = of_kind(PositionKind::kRotary);
  const auto yarn =
      with_lengths(rotary, {.context = 48, .rotary_scaling = RotaryScaling::kYarn}).rotary;
  EXPECT_EQ(yarn.factor, 4.0);
  EXPECT_EQ(yarn.original_context, 12);
  const auto dynamic =
      with_lengths(rotary, {.context = 48, .rotary_scaling = RotaryScaling::kDynamic}).rotary;
  EXPECT_EQ(dynamic.factor, 1.0);
  EXPECT_EQ(dynamic.original_context, 12);
  const auto told =
      with_lengths(rotary,
                   {.context = 48, .rotary_scaling = RotaryScaling::kNtk, .rotary_factor = 8.0})
          .rotary;
  EXPECT_EQ(told.factor, 8.0);
  auto trained = rotary;
  trained.rotary = {.scaling = RotaryScaling::kLinear, .factor = 2.0};
  EXPECT_EQ(with_lengths(trained, {.context = 48}).rotary.factor, 2.0);
}

TEST(LengthOptionsTest, RefusesWhatTheModelCannotDo) {
  const auto alibi = of_kind(PositionKind::kAlibi), rotary = of_kind(PositionKind::kRotary);
  EXPECT_EQ(refusal(alibi, {.rotary_scaling = RotaryScaling::kYarn}),
            "--rotary-scaling must be none for this model, whose positions are alibi, got yarn");
  EXPECT_EQ(refusal(alibi, {.self_extend = 4}),
            "--self-extend must be 0 without --position rotary, got 4");
  EXPECT_EQ(refusal(rotary, {.window = 4, .self_extend = 4}),
            "--self-extend must be 0 with --window, got 4");
  EXPECT_EQ(refusal(rotary, {.sinks = 4}), "--sinks must be given with --window, got 4");
  EXPECT_EQ(refusal(rotary, {.rotary_scaling = RotaryScaling::kDynamic, .self_extend = 4}),
            "--rotary-scaling must be another with --self-extend, got dynamic");
  EXPECT_EQ(with_lengths(rotary, {.self_extend = 4}).self_extend_window, 6);
}

class LengthFolderTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;
};

TEST_F(LengthFolderTest, AFolderIsReadAsIfItWereMadeSo) {
  torch::manual_seed(4);
  GptOptions options = of_kind(PositionKind::kSinusoidal);
  Gpt trained(options);
  save_gpt(trained, folder.path());
  auto longer = load_gpt(folder.path(), {}, {.context = 40, .window = 6, .sinks = 1});
  EXPECT_EQ(longer->options.context, 40);
  options.context = 40;
  options.window = 6;
  options.sinks = 1;
  Gpt made(options);
  made->eval();
  load_gpt_weights(made, folder.path());
  const torch::NoGradGuard no_grad;
  const auto tokens = torch::randint(17, {2, 40}, torch::kLong);
  EXPECT_TRUE(torch::equal(longer->forward(tokens), made(tokens)));
}

}  // namespace
}  // namespace zoo
