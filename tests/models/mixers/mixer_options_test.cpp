// Options of mixers: names, patterns, refusals.
#include "models/mixers/mixer_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "base/option_error.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

std::string mixer_refusal(const std::function<void(MixerOptions&)>& change,
                          const std::function<void(MixerSizes&)>& resize = nullptr) {
  MixerOptions options;
  MixerSizes sizes{.d_model = 12, .heads = 3, .positions = 9};
  change(options);
  if (resize) resize(sizes);
  try {
    check(options, sizes, 4);
  } catch (const OptionError& error) {
    return error.what();
  }
  return "";
}

TEST(MixerOptionsTest, APatternRepeatsOverTheLayers) {
  MixerOptions options{.mixer = MixerKind::kGla};
  EXPECT_EQ(mixer_of_layer(options, 3), MixerKind::kGla);
  options.mixer_pattern = "ssd,ssd,softmax";
  EXPECT_EQ(mixer_of_layer(options, 0), MixerKind::kSsd);
  EXPECT_EQ(mixer_of_layer(options, 2), MixerKind::kSoftmax);
  EXPECT_EQ(mixer_of_layer(options, 4), MixerKind::kSsd);
  EXPECT_EQ(mixer_of_layer(options, 5), MixerKind::kSoftmax);
}

TEST(MixerOptionsTest, EveryKindButSoftmaxIsMade) {
  for (const auto& [kind, name] : EnumNames<MixerKind>::values) {
    const auto made = kind;
    if (kind == MixerKind::kSoftmax) {
      EXPECT_THAT(testing::torch_error_of(
                      [&] { make_mixer(made, {}, {.d_model = 12, .heads = 3, .positions = 9}); }),
                  HasSubstr("MultiHeadAttention"));
    } else {
      const auto mixer = make_mixer(kind, {}, {.d_model = 12, .heads = 3, .positions = 9});
      EXPECT_EQ(mixer->kind(), kind);
      EXPECT_EQ(mixer_refusal([&](MixerOptions& o) { o.mixer = made; },
                              [&](MixerSizes& s) { s.causal = mixer->supports(true); }),
                "");
    }
  }
}

TEST(MixerOptionsTest, VisitNamesEachFieldOnce) {
  MixerOptions options;
  std::set<std::string> names;
  visit_mixers(options, {"ssd-convolution"}, [&](const char* name, auto&, const char*) {
    EXPECT_TRUE(names.insert(name).second) << name;
  });
  EXPECT_EQ(names.size(), 12u);
  EXPECT_EQ(names.count("ssd-convolution"), 0u);
}

TEST(MixerOptionsTest, RefusesWhatCannotBe) {
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_chunk = 0; }),
              HasSubstr("mixer-chunk must be 1 or more, got 0"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.reformer_buckets = 12; }),
              HasSubstr("reformer-buckets must be a power of two, got 12"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_expand = int64_t{1} << 60; }),
              HasSubstr("mixer-expand must be at most 1048576"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.performer_features = 1 << 30; }),
              HasSubstr("performer-features must be at most 1048576"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.reformer_rounds = 65; }),
              HasSubstr("reformer-rounds must be at most 64"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.reformer_buckets = 1 << 18, o.reformer_chunk = 5; }),
              HasSubstr("reformer-chunk must be at most 4 with reformer-buckets 262144, got 5"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_pattern = "ssd,lstm"; }),
              HasSubstr("mixer-pattern: unknown mixer 'lstm'; known are: softmax, linear"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_pattern = "ssd,"; }), HasSubstr("unknown mixer"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_pattern = "ssd,ssd,ssd,ssd,gla"; }),
              HasSubstr("at most as long as there are layers (4)"));
  EXPECT_THAT(
      mixer_refusal([](auto& o) { o.mixer = MixerKind::kLinformer; }),
      HasSubstr("mixer must be one that can look back only (any but linformer), got linformer"));
  EXPECT_THAT(
      mixer_refusal([](auto& o) { o.mixer = MixerKind::kSsd; }, [](auto& s) { s.causal = false; }),
      HasSubstr("mixer must be one that looks both ways"));
  EXPECT_THAT(
      mixer_refusal([](auto& o) { o.mixer = MixerKind::kGla; }, [](auto& s) { s.d_model = 15; }),
      HasSubstr("d-model must be a multiple of 2 heads with the mixer gla, got 15"));
  EXPECT_THAT(mixer_refusal([](auto& o) {
                o.mixer = MixerKind::kSsd;
                o.ssd_groups = 2;
              }),
              HasSubstr("ssd-groups must be a divisor of heads, got 2"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_pattern = "softmax,gla", o.ssd_state = 3; }),
              HasSubstr("ssd-state needs a layer with mixer ssd"));
  EXPECT_THAT(mixer_refusal([](auto& o) { o.mixer_expand = 3; }),
              HasSubstr("mixer-expand needs a layer with mixer retention, ssd"));
}

}  // namespace
}  // namespace zoo
