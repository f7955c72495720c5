// compare_runs as a user runs it.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/compare/made_runs.h"

namespace zoo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CompareRunsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    make_run(folder_ / "a", {.options = {{"layers", "1"}}, .losses = {3, 2}});
    make_run(folder_ / "b", {.options = {{"layers", "2"}}, .losses = {3, 1}});
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  TemporaryFolder folder_;
};

TEST_F(CompareRunsTest, PrintsATableAndWritesAPage) {
  const auto result = run_program("compare_runs", {path("a"), path("b"), "--out", path("page")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("layers"), HasSubstr("* 1"), HasSubstr("finished"),
                                HasSubstr("comparison.html")));
  EXPECT_THAT(read_file(folder_ / "page/comparison.html"), HasSubstr("layers=2"));
}

TEST_F(CompareRunsTest, JsonIsAllThatItPrints) {
  const auto result = run_program("compare_runs", {path("."), "--json", "--out", path("page")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["groups"].size(), 2U);
}

TEST_F(CompareRunsTest, WhatIsWrongIsOneLine) {
  expect_one_line(run_program("compare_runs", {}), 2, "compare_runs", "name one or more");
  expect_one_line(run_program("compare_runs", {path("nowhere")}), 1, "compare_runs", "no folder");
  expect_one_line(run_program("compare_runs", {path("a"), "--metric", "bleu"}), 1, "compare_runs",
                  "no run has measured it");
  expect_one_line(run_program("compare_runs", {path("a"), "--out", path("a/run.toml")}), 1,
                  "compare_runs", "cannot make folder");
}

}  // namespace
}  // namespace zoo::testing
