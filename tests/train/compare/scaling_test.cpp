#include "train/compare/scaling.h"

#include <gmock/gmock.h>

#include <cmath>

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Runs of the law 8 N^-0.25, of which the largest is trained to `last` times that.
Comparison comparison_of(const std::vector<std::string>& norms, const std::vector<int>& widths,
                         double last = 1.0) {
  std::vector<RunRecord> runs;
  for (const auto& norm : norms) {
    for (const int width : widths) {
      const double parameters = 100.0 * width * width;
      double loss = 8 * std::pow(parameters, -0.25);
      if (width == widths.back()) loss *= last;
      RunRecord run{.name = norm + std::to_string(width),
                    .options = {{"d-model", std::to_string(width)}, {"norm", norm}},
                    .metric = "loss",
                    .metrics = {{10, "val", {{"loss", loss}}}},
                    .parameters = parameters,
                    .state = RunState::kFinished};
      runs.push_back(run);
    }
  }
  return compare_runs(runs);
}

TEST(ScalingTest, FindsTheLawThatMadeTheLosses) {
  const auto laws = scaling_laws(comparison_of({"layer"}, {4, 8, 16, 32}), {"d-model"});
  ASSERT_EQ(laws.size(), 1U);
  EXPECT_NEAR(laws[0].law.a, 8, 1e-9);
  EXPECT_NEAR(laws[0].law.alpha, 0.25, 1e-12);
  EXPECT_EQ(laws[0].fitted.size(), 3U);
  EXPECT_EQ(laws[0].held_out.label, "d-model=32");
  EXPECT_NEAR(laws[0].law.at(laws[0].held_out.parameters), laws[0].held_out.loss, 1e-9);
}

TEST(ScalingTest, TheLargestSizeIsPredictedNotFitted) {
  const auto text =
      scaling_text(scaling_laws(comparison_of({"layer"}, {4, 8, 16, 32}, 1.5), {"d-model"}));
  EXPECT_THAT(text, AllOf(HasSubstr("N^-0.250"), HasSubstr("predicted 0.4472"),
                          HasSubstr("trained 0.6708"), HasSubstr("(50.0 % above)")));
}

TEST(ScalingTest, EachCombinationOfOtherOptionsHasALaw) {
  const auto laws = scaling_laws(comparison_of({"layer", "rms"}, {4, 8, 16}), {"d-model"});
  ASSERT_EQ(laws.size(), 2U);
  EXPECT_EQ(laws[1].label, "norm=rms");
  EXPECT_THAT(scaling_html(laws), AllOf(HasSubstr("Power law, norm=rms"), HasSubstr("<svg")));
}

TEST(ScalingTest, TwoSizesAreTooFew) {
  EXPECT_TRUE(scaling_laws(comparison_of({"layer"}, {4, 8}), {"d-model"}).empty());
  EXPECT_EQ(scaling_text({}), "");
  EXPECT_EQ(scaling_html({}), "");
}

TEST(ScalingTest, ARunThatWasCutShortIsNoSize) {
  auto comparison = comparison_of({"layer"}, {4, 8, 16});
  comparison.groups[1].finished = 0;
  EXPECT_TRUE(scaling_laws(comparison, {"d-model"}).empty());
}

TEST(ScalingTest, NeedsSizesThatDiffer) {
  EXPECT_THROW(fit_power_law({{"", 10, 1}, {"", 10, 2}}), std::invalid_argument);
  EXPECT_THROW(fit_power_law({{"", 10, 1}, {"", 20, 0}}), std::invalid_argument);
}

}  // namespace
}  // namespace zoo
