// The comparison of mixers: what is measured, what is refused, what the reports say.
#include "infer/comparison/mixer_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace zoo {
namespace {

using ::testing::HasSubstr;

TEST(MixerComparisonTest, NamesAndLengthsAreRead) {
  EXPECT_EQ(parse_mixers("ssd,softmax"),
            (std::vector<MixerKind>{MixerKind::kSsd, MixerKind::kSoftmax}));
  EXPECT_EQ(parse_mixers("all").size(), std::size(EnumNames<MixerKind>::values));
  EXPECT_THROW(parse_mixers("lstm"), std::invalid_argument);
  EXPECT_EQ(parse_lengths("16,128"), (std::vector<int64_t>{16, 128}));
  for (const char* wrong : {"", "0", "16,", "64,32", "32,32", "2x"})
    EXPECT_THROW(parse_lengths(wrong), std::invalid_argument) << wrong;
}

TEST(MixerComparisonTest, MeasuresEveryMixerAtEveryLength) {
  torch::manual_seed(1);
  const MixerComparisonOptions options{.mixers = parse_mixers("all"),
                                       .lengths = {96, 300},
                                       .heads = 2,
                                       .head_width = 8,
                                       .seconds = 0.001};
  int64_t watched = 0;
  const auto results =
      compare_mixers(options, [&](int64_t, int64_t count, const std::string&) { watched = count; });
  EXPECT_EQ(watched, 32);
  ASSERT_EQ(results.size(), 32u);
  for (const MixerResult& r : results) {
    SCOPED_TRACE(std::string(name_of(r.mixer)) + (r.causal ? " causal" : " full"));
    const bool directed = r.mixer == MixerKind::kRetention || r.mixer == MixerKind::kGla ||
                          r.mixer == MixerKind::kSsd;
    if (directed && !r.causal) {
      EXPECT_EQ(r.refused, "cannot look both ways");
      continue;
    }
    if (r.mixer == MixerKind::kLinformer && r.causal) {
      EXPECT_EQ(r.refused, "cannot look back only");
      continue;
    }
    EXPECT_EQ(r.refused, "");
    EXPECT_GT(r.seconds, 0.0);
    EXPECT_GT(r.operations, 0.0);
    EXPECT_GE(r.peak_bytes, 2 * r.length * 8 * 4);  // the output at least
    const bool approximates = r.mixer == MixerKind::kPerformer ||
                              r.mixer == MixerKind::kLinformer || r.mixer == MixerKind::kReformer;
    ASSERT_EQ(r.error.has_value(), approximates);
    if (!r.error) continue;
    EXPECT_LT(*r.error, 2.0);
    // Linformer's 256 projected keys are all that 96 tokens have.
    if (r.mixer == MixerKind::kLinformer && r.length == 96) {
      EXPECT_LT(*r.error, 1e-5);
    } else {
      EXPECT_GT(*r.error, 1e-3);
    }
  }
  const auto json = nlohmann::json::parse(mixer_json(options, {}, results));
  EXPECT_EQ(json["results"].size(), 32u);
  EXPECT_EQ(json["results"][0]["mixer"], "softmax");
  EXPECT_TRUE(json["results"][6].contains("refused"));
  const auto table = mixer_table(results);
  EXPECT_THAT(table, HasSubstr("300 tokens, causal"));
  EXPECT_THAT(table, HasSubstr("300 tokens, both ways"));
  EXPECT_THAT(table, HasSubstr("cannot look both ways"));
  const auto page = mixer_page(options, {}, results);
  EXPECT_THAT(page, HasSubstr("retention: T to the"));
  EXPECT_THAT(page, HasSubstr("</html>"));
}

}  // namespace
}  // namespace zoo
