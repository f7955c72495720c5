// --sweep, --seeds and --scale of a training program, as a user runs them.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "train/run/metrics.h"
#include "train/run/run_info.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TrainGptSweepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int n = 0; n < 60; ++n) text += "the quick brown fox jumps over the lazy dog\n";
    write_file(folder_ / "text.txt", text);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  ProgramResult train(const Flags& changes) const {
    return run_program("train_gpt", flag_words({{"data", path("text.txt")},
                                                {"out", path("sweep")},
                                                {"layers", "1"},
                                                {"heads", "2"},
                                                {"d-model", "8"},
                                                {"context", "8"},
                                                {"threads", "1"},
                                                {"max-steps", "4"},
                                                {"evaluate-every", "2"},
                                                {"sample-tokens", "0"}},
                                               changes));
  }
  void expect_refused(const Flags& changes, const std::string& message) const {
    const auto result = train(changes);
    expect_one_line(result, 2, "train_gpt", message);
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(fs::exists(folder_ / "sweep"));
  }
  int64_t steps_of(const std::string& run) const {
    return read_metrics(folder_ / "sweep" / run / "metrics.jsonl").back().step;
  }
  TemporaryFolder folder_;
};

const Flags kTwoByTwo = {{"sweep", "position=none,rotary norm=layer,rms"}, {"seed", "5"}};

TEST_F(TrainGptSweepTest, TrainsEveryCombinationAndComparesThem) {
  const auto result = train(kTwoByTwo);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("4 runs in"), HasSubstr("[4/4] position=rotary,norm=rms,seed=5"),
                    HasSubstr("best val loss"), HasSubstr("comparison.html")));
  for (const char* run : {"position=none,norm=layer,seed=5", "position=rotary,norm=rms,seed=5"}) {
    EXPECT_EQ(steps_of(run), 4) << run;
    EXPECT_TRUE(read_run_info(folder_ / "sweep" / run)->finished) << run;
  }
  EXPECT_THAT(read_file(folder_ / "sweep/position=rotary,norm=rms,seed=5/run.toml"),
              AllOf(HasSubstr("position = \"rotary\""), HasSubstr("norm = \"rms\"")));
  EXPECT_THAT(read_file(folder_ / "sweep/comparison.html"), HasSubstr("norm=rms position=rotary"));
}

TEST_F(TrainGptSweepTest, ARunOfASweepIsTheRunOfItsOptions) {
  ASSERT_EQ(train({{"sweep", "position=rotary"}}).exit_code, 0);
  ASSERT_EQ(train({{"position", "rotary"}, {"out", path("alone")}}).exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "sweep/position=rotary,seed=1337/model.safetensors"),
            read_file(folder_ / "alone/model.safetensors"));
}

TEST_F(TrainGptSweepTest, CalledAgainItRunsWhatIsLeft) {
  ASSERT_EQ(train({{"sweep", "norm=layer"}, {"seed", "5"}}).exit_code, 0);
  const auto before = fs::last_write_time(folder_ / "sweep/norm=layer,seed=5/metrics.jsonl");
  const auto result = train({{"sweep", "norm=layer,rms"}, {"seeds", "2"}, {"seed", "5"}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("(done before)"), HasSubstr("\xC2\xB1")));
  EXPECT_EQ(fs::last_write_time(folder_ / "sweep/norm=layer,seed=5/metrics.jsonl"), before);
  EXPECT_EQ(steps_of("norm=rms,seed=6"), 4);
}

TEST_F(TrainGptSweepTest, CalledAgainItResumesWhatWasCut) {
  const Flags flags = {{"sweep", "norm=layer"}, {"seed", "5"}};
  ASSERT_EQ(train(flags).exit_code, 0);
  const fs::path run = folder_ / "sweep/norm=layer,seed=5";
  const auto whole = read_file(run / "checkpoints/step-000004/model.safetensors");
  // As a kill after the second update leaves it.
  fs::remove_all(run / "checkpoints/step-000004");
  auto info = *read_run_info(run);
  info.finished = false;
  write_run_info(run, info);
  for (int n = 0; n < 2; ++n) EXPECT_EQ(train(flags).exit_code, 0);  // the second finds it done
  EXPECT_EQ(read_file(run / "checkpoints/step-000004/model.safetensors"), whole);
  EXPECT_THAT(read_file(folder_ / "sweep/logs/norm=layer,seed=5.log"), HasSubstr("val loss"));
}

TEST_F(TrainGptSweepTest, ARunOfOtherOptionsStaysUntouched) {
  const Flags flags = {{"sweep", "norm=layer"}};
  ASSERT_EQ(train(flags).exit_code, 0);
  auto longer = flags;
  longer["max-steps"] = "6";
  expect_one_line(train(longer), 2, "train_gpt", "holds a run with max-steps 4, not 6");
  EXPECT_EQ(steps_of("norm=layer,seed=1337"), 4);
}

TEST_F(TrainGptSweepTest, WhatIsWrongIsOneLineBeforeAnythingRuns) {
  expect_refused({{"sweep", "norm=layer,foo"}}, "the run norm=foo,seed=1337: --norm");
  expect_refused({{"sweep", "nrm=layer,rms"}}, "did you mean --norm?");
  expect_refused({{"sweep", "norm"}}, "expected OPTION=VALUE");
  expect_refused({{"sweep", "layers=1,2"}}, "--layers is in the sweep as well");
  expect_refused({{"sweep", "norm=rms"}, {"seeds", "0"}}, "--seeds must be");
  expect_refused({{"sweep", "seed=1,2"}, {"seeds", "2"}}, "leave one out");
  expect_refused({{"sweep", "norm=rms"}, {"resume", path("x")}}, "does not go with a sweep");
  expect_refused({{"scale", "d-ff=8,16"}}, "three sizes");
  expect_refused({{"sweep", "d-model=8,7"}, {"d-model", ""}}, "the run d-model=7");
}

TEST_F(TrainGptSweepTest, ARunThatFailsIsOneLine) {
  const auto result = train({{"sweep", "norm=layer,rms"}, {"data", path("nowhere.txt")}});
  expect_one_line(result, 1, "train_gpt", "the first run, norm=layer,seed=1337, failed");
  EXPECT_THAT(result.err, HasSubstr("no data at"));
  EXPECT_THAT(result.out, Not(HasSubstr("2/2")));
}

TEST_F(TrainGptSweepTest, SizesPredictTheLargest) {
  const auto result =
      train({{"scale", "d-model=4,8,16 heads=1,2,4"}, {"heads", ""}, {"d-model", ""}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("power law   loss ="), HasSubstr("held out    d-model=16 heads=4"),
                    HasSubstr("predicted")));
  EXPECT_THAT(read_file(folder_ / "sweep/comparison.html"), HasSubstr("Power law"));
}

}  // namespace
}  // namespace zoo::testing
