// metrics.jsonl: order, exact numbers, and what a killed run leaves.
#include "train/run/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct MetricsTest : ::testing::Test {
  testing::TemporaryFolder folder;
  std::filesystem::path path = folder / "metrics.jsonl";

  std::vector<int64_t> steps() const {
    std::vector<int64_t> list;
    for (const auto& record : read_metrics(path)) list.push_back(record.step);
    return list;
  }
  std::string error() const {
    try {
      read_metrics(path);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(MetricsTest, KeysComeInTheDocumentedOrder) {
  EXPECT_EQ(to_json_line({250,
                          "val",
                          {{"elapsed_s", 7.5},
                           {"lr", 1e-3},
                           {"recall_at_1", 0.5},
                           {"accuracy", 1},
                           {"perplexity", 8},
                           {"loss", 2.0794415416798357}}}),
            "{\"step\": 250, \"split\": \"val\", \"loss\": 2.0794415416798357, \"perplexity\": 8, "
            "\"accuracy\": 1, \"recall_at_1\": 0.5, \"lr\": 0.001, \"elapsed_s\": 7.5}");
}

TEST_F(MetricsTest, NumbersReadBackToTheSameDouble) {
  std::mt19937_64 random(5);
  MetricsRecord written{
      1, "train", {{"zero", 0.0}, {"minus", -0.0}, {"big", 123456789012345678.0}}};
  for (int i = 0; i < 2000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) written.values.emplace_back("n" + std::to_string(i), value);
  }
  MetricsLog(path).write(written);
  const auto read = read_metrics(path).at(0);
  ASSERT_EQ(read.values.size(), written.values.size());
  for (size_t i = 0; i < read.values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(read.values[i].second),
              std::bit_cast<uint64_t>(written.values[i].second))
        << written.values[i].second;
  }
}

TEST_F(MetricsTest, WhatIsNotFiniteIsNull) {
  const double infinity = std::numeric_limits<double>::infinity();
  const MetricsRecord record{1, "train", {{"loss", kNan}, {"grad_norm", -infinity}}};
  EXPECT_EQ(to_json_line(record),
            "{\"step\": 1, \"split\": \"train\", \"loss\": null, \"grad_norm\": null}");
  MetricsLog(path).write(record);
  EXPECT_TRUE(std::isnan(*read_metrics(path).at(0).find("loss")));
  EXPECT_FALSE(read_metrics(path).at(0).find("lr"));
}

TEST_F(MetricsTest, AKeyThatComesTwiceIsRefused) {
  EXPECT_THROW(to_json_line({1, "train", {{"loss", 1}, {"loss", 2}}}), std::invalid_argument);
  EXPECT_THROW(to_json_line({1, "train", {{"step", 1}}}), std::invalid_argument);
}

TEST_F(MetricsTest, LinesAreInTheFileAsSoonAsTheyAreWritten) {
  MetricsLog log(path);
  log.write({1, "train", {{"loss", 2}}});
  EXPECT_EQ(read_file(path), "{\"step\": 1, \"split\": \"train\", \"loss\": 2}\n");
  log.write({2, "train", {{"loss", 1}}});
  EXPECT_EQ(steps(), (std::vector<int64_t>{1, 2}));
}

TEST_F(MetricsTest, ANewLogDoesNotOverwriteAnOldOne) {
  MetricsLog(path).write({1, "train", {}});
  try {
    MetricsLog second(path);
    FAIL() << "overwritten";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("metrics.jsonl"), HasSubstr("File exists")));
  }
}

TEST_F(MetricsTest, AResumeCutsLaterStepsAndATornLine) {
  {
    MetricsLog log(path);
    log.write({0, "val", {{"loss", 4}}});
    for (int64_t step = 1; step <= 5; ++step) log.write({step, "train", {{"loss", 3}}});
    log.write({3, "val", {{"loss", 2.5}}});
  }
  write_file(path, read_file(path) + "{\"step\": 6, \"spl");
  MetricsLog log(path, MetricsResume{.step = 3});
  EXPECT_EQ(steps(), (std::vector<int64_t>{0, 1, 2, 3, 3}));
  log.write({4, "train", {{"loss", 2}}});
  EXPECT_EQ(steps(), (std::vector<int64_t>{0, 1, 2, 3, 3, 4}));
}

TEST_F(MetricsTest, AResumeCanDropTheLastStepsEvaluation) {
  {
    MetricsLog log(path);
    log.write({2, "val", {{"loss", 4}}});
    log.write({3, "train", {{"loss", 3}}});
    log.write({3, "val", {{"loss", 2.5}}});
  }
  MetricsLog log(path, MetricsResume{.step = 3, .drop_evaluation = true});
  EXPECT_EQ(steps(), (std::vector<int64_t>{2, 3}));
}

TEST_F(MetricsTest, AResumeGoesOnBehindTheLinesThatItsCheckpointCounted) {
  {
    MetricsLog log(path);
    log.write({2, "train", {{"loss", 4}}});
    log.write({3, "train", {{"loss", 3}}});
    EXPECT_EQ(log.lines(), 2);
    log.write({3, "val", {{"loss", 2.5}}});  // killed between this and a new checkpoint
  }
  MetricsLog log(path, MetricsResume{.step = 3, .lines = 2});
  EXPECT_EQ(steps(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(log.lines(), 2);
  EXPECT_EQ(log.lost(), 0);
}

TEST_F(MetricsTest, AResumeCountsAndDropsWhatIsLost) {
  write_file(path,
             "{\"step\": 1, \"split\": \"val\"}\n\x01\x02\n{\"step\": 3, \"split\": \"val\"}\n");
  const std::string damaged = read_file(path);
  EXPECT_EQ(MetricsLog(path, MetricsResume{.step = 3, .lines = 5}).lost(), 3);
  EXPECT_EQ(steps(), (std::vector<int64_t>{1, 3}));
  write_file(path, damaged);
  EXPECT_EQ(MetricsLog(path, MetricsResume{.step = 3}).lost(), 1);  // of an older run
  std::filesystem::remove(path);
  EXPECT_EQ(MetricsLog(path, MetricsResume{.step = 3, .lines = 5}).lost(), 5);
}

TEST_F(MetricsTest, AResumeKeepsTheBytesOfTheLinesItKeeps) {
  const std::string line = "{\"split\":\"train\",  \"step\":1, \"loss\": 2.50}\n";
  write_file(path, line);
  MetricsLog log(path, MetricsResume{.step = 1});
  EXPECT_EQ(read_file(path), line);
}

TEST_F(MetricsTest, AResumeWithoutAFileStartsOne) {
  MetricsLog log(path, MetricsResume{.step = 100});
  log.write({101, "train", {}});
  EXPECT_EQ(steps(), (std::vector<int64_t>{101}));
}

TEST_F(MetricsTest, AWholeLastLineWithoutItsEndCounts) {
  write_file(path, "{\"step\": 7, \"split\": \"val\"}");
  EXPECT_EQ(steps(), (std::vector<int64_t>{7}));
  MetricsLog log(path, MetricsResume{.step = 7});
  log.write({8, "train", {}});
  EXPECT_EQ(steps(), (std::vector<int64_t>{7, 8}));
}

TEST_F(MetricsTest, DamagedLinesAreNamedByNumber) {
  write_file(path, "{\"step\": 1, \"split\": \"val\"}\nnonsense\n");
  EXPECT_THAT(error(), AllOf(HasSubstr("metrics.jsonl line 2: not a line of metrics")));
  write_file(path, "[1]\n");
  EXPECT_THAT(error(), HasSubstr("line 1: not a line of metrics (not an object)"));
  write_file(path, "{\"step\": \"one\", \"split\": \"val\"}\n");
  EXPECT_THAT(error(), HasSubstr("line 1"));
  write_file(path, "{\"step\": 1}\n");
  EXPECT_THAT(error(), HasSubstr("line 1"));
  write_file(path, "{\"step\": 1, \"split\": \"val\", \"loss\": \"low\"}\n");
  EXPECT_THAT(error(), HasSubstr("'loss' is not a number"));
}

TEST_F(MetricsTest, AnEmptyFileHasNoRecords) {
  write_file(path, "");
  EXPECT_TRUE(read_metrics(path).empty());
}

TEST_F(MetricsTest, AFullDiskIsAnErrorThatNamesTheFile) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::filesystem::create_symlink("/dev/full", path);
  GrowingFile file(path, true);
  try {
    file.append("x");
    FAIL() << "written";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("metrics.jsonl"), HasSubstr("No space left")));
  }
}

}  // namespace
}  // namespace zoo
