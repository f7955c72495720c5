#include "train/compare/sweep_plan.h"

#include <gmock/gmock.h>

#include "base/usage_error.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<std::string> names_of(const std::vector<SweepPoint>& points) {
  std::vector<std::string> names;
  for (const SweepPoint& point : points) names.push_back(point.name);
  return names;
}

void expect_refused(const std::string& text, const std::string& message) {
  EXPECT_THAT([&] { parse_axes(text, "--sweep"); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("--sweep"), HasSubstr(message))))
      << text;
}

TEST(SweepPlanTest, EveryCombinationHasAName) {
  const auto axes = parse_axes("position=none,rotary  --norm=layer,rms", "--sweep");
  EXPECT_THAT(names_of(product_of({}, axes)),
              ElementsAre("position=none,norm=layer", "position=none,norm=rms",
                          "position=rotary,norm=layer", "position=rotary,norm=rms"));
}

TEST(SweepPlanTest, SizesGoTogetherAndComeFirst) {
  const auto sizes = parse_axes("d-model=32,64 heads=2,4", "--scale");
  const auto axes = parse_axes("norm=layer,rms", "--sweep");
  EXPECT_THAT(names_of(product_of(sizes, axes)),
              ElementsAre("d-model=32,heads=2,norm=layer", "d-model=32,heads=2,norm=rms",
                          "d-model=64,heads=4,norm=layer", "d-model=64,heads=4,norm=rms"));
  EXPECT_THAT([&] { product_of(parse_axes("d-model=32,64 heads=2", "--scale"), {}); },
              ThrowsMessage<UsageError>(HasSubstr("d-model has 2 values, heads has 1")));
}

TEST(SweepPlanTest, SeedsCountOnFromTheFirst) {
  const auto points = product_of({}, parse_axes("norm=layer,rms", "--sweep"));
  EXPECT_THAT(
      names_of(with_seeds(points, 7, 2)),
      ElementsAre("norm=layer,seed=7", "norm=layer,seed=8", "norm=rms,seed=7", "norm=rms,seed=8"));
  EXPECT_THAT(names_of(with_seeds(product_of({}, {}), 7, 1)), ElementsAre("seed=7"));
}

TEST(SweepPlanTest, NamesAreFoldersAndDiffer) {
  const auto points = product_of({}, parse_axes("data=a/b.txt,a?b.txt", "--sweep"));
  EXPECT_THAT(names_of(points), ElementsAre("data=a-b.txt", "data=a-b.txt,2"));
  EXPECT_EQ(points[1].settings[0].second, "a?b.txt");
}

TEST(SweepPlanTest, RefusesWhatIsNoSweep) {
  expect_refused("", "needs OPTION=VALUE");
  expect_refused("position", "expected OPTION=VALUE");
  expect_refused("=none", "expected OPTION=VALUE");
  expect_refused("position=none, rotary", "a value is missing");
  expect_refused("position=", "a value is missing");
  expect_refused("position=none,none", "none comes twice");
  expect_refused("norm=rms norm=layer", "norm comes twice");
  expect_refused("out=a,b", "--out is for the command");
}

TEST(SweepPlanTest, TakesAFlagInBothForms) {
  std::vector<std::string> words{"train", "--out", "a", "--outer=1", "--out=b", "--x"};
  EXPECT_EQ(take_flag(words, "out"), "b");
  EXPECT_THAT(words, ElementsAre("train", "--outer=1", "--x"));
  EXPECT_FALSE(take_flag(words, "out"));
  EXPECT_THAT([&] { take_flag(words, "x"); },
              ThrowsMessage<UsageError>(HasSubstr("needs a value")));
}

TEST(SweepPlanTest, FindsWhatMakesAnotherRun) {
  EXPECT_EQ(first_difference("a = 1\nthreads = 2\nb = 3\n", "a = 1\nthreads = 4\nb = 5\nnew = 1\n"),
            "b 3, not 5");
  EXPECT_EQ(first_difference("a = 1\nold = 2\n", "a = 1\n"), "");
}

}  // namespace
}  // namespace zoo
