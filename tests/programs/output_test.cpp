// What every program prints where: results on standard output, remarks on standard error, in the
// order of writing where both go to one file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/every_program.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(OutputTest, ResultsGoToStandardOutputAndRemarksToStandardError) {
  for (const ProgramCall& one : EveryProgram::get().calls()) {
    const auto apart = EveryProgram::get().run(one);
    EXPECT_EQ(apart.exit_code, 0) << one.program << ": " << apart.err;
    EXPECT_THAT(apart.out, HasSubstr(one.result)) << one.program;
    if (one.remark.empty()) {
      EXPECT_EQ(apart.err, "") << one.program;
      continue;
    }
    EXPECT_THAT(apart.err, HasSubstr(one.remark)) << one.program;
    EXPECT_THAT(apart.out, Not(HasSubstr(one.remark))) << one.program;
  }
}

TEST(OutputTest, BothInOneFileStandInTheOrderOfWriting) {
  for (const ProgramCall& one : EveryProgram::get().calls()) {
    const auto both = EveryProgram::get().run(one, {}, /*merged=*/true);
    ASSERT_EQ(both.exit_code, 0) << one.program << ": " << both.out;
    const size_t result = both.out.rfind(one.result), remark = both.out.find(one.remark);
    ASSERT_NE(result, std::string::npos) << one.program;
    ASSERT_NE(remark, std::string::npos) << one.program;
    if (!one.remark.empty()) EXPECT_EQ(remark > result, one.remark_last) << both.out;
  }
}

TEST(OutputTest, TrainingProgramsShowTheirStepsInOrder) {
  const EveryProgram& every = EveryProgram::get();
  for (const TinyTraining& training : every.trainings()) {
    const std::string again = training.name + "-again";
    const auto apart = every.train(again, training);
    ASSERT_EQ(apart.exit_code, 0) << apart.err;
    EXPECT_THAT(apart.out, HasSubstr("\nstep      0  val "));
    EXPECT_THAT(apart.out, HasSubstr("\nstep      2  val "));
    EXPECT_THAT(apart.err, Not(HasSubstr("step ")));
    EXPECT_THAT(apart.err, HasSubstr("training  50% 1/2  "));
    EXPECT_THAT(apart.out, Not(HasSubstr("training  50%")));
    fs::remove_all(every.path(again));

    const auto both = every.train(again, training, /*merged=*/true);
    size_t at = 0;
    for (const std::string& part : std::vector<std::string>{
             "# " + training.program + ": options that differ", "/run.toml\n", "max-steps = 2\n",
             "parameters  ", "step      0  val ", "training  50% 1/2", "step      1  val ",
             "training 100% 2/2", "step      2  val ", "run folder  "}) {
      const size_t found = both.out.find(part, at);
      ASSERT_NE(found, std::string::npos) << part << " in its place of\n" << both.out;
      at = found;
    }
    fs::remove_all(every.path(again));
  }
}

TEST(OutputTest, WhatATrainingProgramPrintsFirstMakesTheSameRun) {
  const EveryProgram& every = EveryProgram::get();
  const auto trainings = every.trainings();
  const auto gpt = std::find_if(trainings.begin(), trainings.end(),
                                [](const TinyTraining& one) { return one.program == "train_gpt"; });
  const auto first = every.train("first", *gpt);
  const std::string printed = first.out.substr(0, first.out.find("\n\n") + 1);
  EXPECT_THAT(printed, Not(HasSubstr("beta1")));  // has its default
  write_file(every.path("printed.toml"), printed);
  const auto second = run_program(
      gpt->program, {"--config", every.path("printed.toml"), "--out", every.path("second")});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(read_file(every.path("second/run.toml")), read_file(every.path("first/run.toml")));
}

}  // namespace
}  // namespace zoo::testing
