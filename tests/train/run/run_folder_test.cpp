#include "train/run/run_folder.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

void fill(const fs::path& folder) {
  write_file(folder / "config.json", folder.filename().string());
  fs::create_directories(folder / "trainer_state");
}

class RunFolderTest : public ::testing::Test {
 protected:
  zoo::testing::TemporaryFolder temporary_;
  RunFolder run_{temporary_ / "run"};
};

TEST_F(RunFolderTest, RefusesAFolderThatHoldsSomething) {
  run_.create();
  EXPECT_TRUE(run_.holds_new_run());
  write_file(run_ / "something", "x");
  EXPECT_THAT([&] { run_.create(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("is not an empty folder")));
}

TEST_F(RunFolderTest, ReusesWhatARunLeftThatEndedBeforeItsFirstCheckpoint) {
  run_.create();
  for (const char* file : {"run.toml", "text.tokens", "metrics.jsonl", "text.tokens.partial"})
    write_file(run_ / file, "x");
  fs::create_directories(run_ / "checkpoints" / ".step-000000.partial");
  run_.create();
  EXPECT_TRUE(run_.holds_new_run());
  EXPECT_FALSE(fs::exists(run_ / "metrics.jsonl"));
}

TEST_F(RunFolderTest, NeverReusesAFolderThatHoldsAnythingElse) {
  fs::create_directories(run_ / "checkpoints");
  write_file(run_ / "checkpoints" / "model.pt", "x");
  EXPECT_THAT([&] { run_.create(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("is not an empty folder")));
  EXPECT_TRUE(fs::exists(run_ / "checkpoints" / "model.pt"));
}

TEST_F(RunFolderTest, OneProcessAtATimeWorksInIt) {
  run_.create();
  {
    const HeldFolder lock = run_.lock();
    EXPECT_THAT([&] { run_.lock(); },
                ThrowsMessage<std::runtime_error>(HasSubstr("another process trains in it")));
  }
  const HeldFolder again = run_.lock();
}

TEST_F(RunFolderTest, TheSpareStaysAndTheDiscardedDoesNotCount) {
  run_.create();
  for (const int64_t step : {10, 20, 25}) run_.save_checkpoint(step, false, {.newest = 3}, fill);
  run_.save_checkpoint(30, false, {.newest = 1, .spare = 10, .discard = 25}, fill);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10, 30));
}

TEST_F(RunFolderTest, TheBestCanBeTakenBack) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 3}, fill);
  run_.save_checkpoint(20, true, {.newest = 3}, fill);
  run_.point_best_at(10);
  EXPECT_EQ(fs::read_symlink(run_ / "best"), "checkpoints/step-000010");
  run_.point_best_at(0);  // which has no checkpoint
  EXPECT_FALSE(fs::exists(fs::symlink_status(run_ / "best")));
  EXPECT_EQ(fs::read_symlink(run_ / "config.json"), "last/config.json");
}

TEST_F(RunFolderTest, ACheckpointKnowsItsRun) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 3}, fill);
  EXPECT_EQ(run_of(run_ / "best"), std::nullopt);
  write_file(run_ / "run.toml", "x");
  EXPECT_EQ(run_of(run_.path()), run_.path());
  EXPECT_EQ(run_of(run_ / "best"), fs::canonical(run_.path()));
  EXPECT_EQ(run_of(run_.checkpoint(10)), fs::canonical(run_.path()));
}

TEST_F(RunFolderTest, RefusesAFileInItsPlace) {
  write_file(temporary_ / "run", "x");
  EXPECT_THAT([&] { run_.create(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("is not an empty folder")));
}

TEST_F(RunFolderTest, KeepsTheNewestAndTheBest) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 2}, fill);
  for (const int64_t step : {20, 30, 40, 50})
    run_.save_checkpoint(step, false, {.newest = 2}, fill);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10, 40, 50));
  EXPECT_EQ(fs::read_symlink(run_ / "last"), "checkpoints/step-000050");
  EXPECT_EQ(fs::read_symlink(run_ / "best"), "checkpoints/step-000010");
  EXPECT_EQ(run_.last(), run_.checkpoint(50));
}

TEST_F(RunFolderTest, TheRootShowsTheBestCheckpointOrTheLastWhereThereIsNone) {
  run_.create();
  run_.save_checkpoint(10, false, {.newest = 3}, fill);
  EXPECT_EQ(fs::read_symlink(run_ / "config.json"), "last/config.json");
  run_.save_checkpoint(20, true, {.newest = 3}, fill);
  run_.save_checkpoint(30, false, {.newest = 3}, fill);
  EXPECT_EQ(fs::read_symlink(run_ / "config.json"), "best/config.json");
  EXPECT_EQ(fs::canonical(run_ / "config.json"),
            fs::canonical(run_.checkpoint(20) / "config.json"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(run_ / "trainer_state")));
}

TEST_F(RunFolderTest, AFailingCheckpointLeavesTheOldOnes) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 3}, fill);
  const auto fail = [](const fs::path& folder) {
    fill(folder);
    throw std::runtime_error("disk full");
  };
  EXPECT_THROW(run_.save_checkpoint(20, true, {.newest = 3}, fail), std::runtime_error);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10));
  EXPECT_EQ(run_.last(), run_.checkpoint(10));
}

TEST_F(RunFolderTest, MovesAsAWhole) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 3}, fill);
  fs::rename(run_.path(), temporary_ / "moved");
  EXPECT_TRUE(fs::exists(temporary_ / "moved" / "config.json"));
  EXPECT_EQ(checkpoint_of(temporary_ / "moved"), temporary_ / "moved");
}

TEST_F(RunFolderTest, GoesOnFromTheNewestCheckpointWithoutLinks) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 3}, fill);
  run_.save_checkpoint(20, false, {.newest = 3}, fill);
  for (const char* link : {"last", "best", "config.json"}) fs::remove(run_ / link);
  EXPECT_EQ(run_.last_step(), 20);
  EXPECT_EQ(checkpoint_of(run_.path()), run_.checkpoint(20));
  EXPECT_THAT([&] { run_.create(); }, ThrowsMessage<std::runtime_error>(HasSubstr("--resume")));
  write_file(run_ / ".last.1f.tmp", "x");
  run_.mend();
  EXPECT_EQ(fs::read_symlink(run_ / "last"), "checkpoints/step-000020");
  EXPECT_FALSE(fs::exists(run_ / ".last.1f.tmp"));
}

TEST_F(RunFolderTest, OnlyWholeCheckpointsCount) {
  run_.create();
  run_.save_checkpoint(10, true, {.newest = 3}, fill);
  for (const char* name : {"step-000099", "step-20", "step--00005", ".step-000030.partial", "mine"})
    fs::create_directories(run_ / "checkpoints" / name);
  fs::create_directories(run_ / "checkpoints/step-20/trainer_state");
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10));
}

TEST_F(RunFolderTest, WhatIsNoRunIsNeverSaidToBeOne) {
  fs::create_directories(run_ / "holiday");
  EXPECT_THAT([&] { run_.create(); },
              ThrowsMessage<std::runtime_error>(::testing::AllOf(
                  HasSubstr("is not an empty folder"), ::testing::Not(HasSubstr("--resume")))));
  EXPECT_THAT([&] { run_.last(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("it is no run folder")));
}

TEST_F(RunFolderTest, AFolderInItsPlaceIsNotTheOneThatIsHeld) {
  run_.create();
  const HeldFolder held(run_.path());
  EXPECT_TRUE(held.in_place());
  fs::rename(run_.path(), temporary_ / "moved");
  EXPECT_FALSE(held.in_place());
  run_.create();
  EXPECT_FALSE(held.in_place());
  fs::remove_all(run_.path());
  fs::rename(temporary_ / "moved", run_.path());
  EXPECT_TRUE(held.in_place());
}

TEST_F(RunFolderTest, SaysWhereThereIsNothingToResume) {
  EXPECT_THAT([&] { run_.last(); }, ThrowsMessage<std::runtime_error>(HasSubstr("no run folder")));
  run_.create();
  EXPECT_THAT([&] { run_.last(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("no checkpoint to continue")));
}

}  // namespace
}  // namespace zoo
