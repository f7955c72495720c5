#include "train/run_folder.h"

#include <gmock/gmock.h>

#include "app/files.h"
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

TEST_F(RunFolderTest, RefusesAFolderThatIsInUse) {
  run_.create();
  EXPECT_TRUE(run_.holds_new_run());
  write_file(run_ / "something", "x");
  EXPECT_THAT([&] { run_.create(); }, ThrowsMessage<std::runtime_error>(HasSubstr("is in use")));
}

TEST_F(RunFolderTest, RefusesAFileInItsPlace) {
  write_file(temporary_ / "run", "x");
  EXPECT_THAT([&] { run_.create(); }, ThrowsMessage<std::runtime_error>(HasSubstr("is in use")));
}

TEST_F(RunFolderTest, KeepsTheNewestAndTheBest) {
  run_.create();
  run_.save_checkpoint(10, true, 2, fill);
  for (const int64_t step : {20, 30, 40, 50}) run_.save_checkpoint(step, false, 2, fill);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10, 40, 50));
  EXPECT_EQ(fs::read_symlink(run_ / "last"), "checkpoints/step-000050");
  EXPECT_EQ(fs::read_symlink(run_ / "best"), "checkpoints/step-000010");
  EXPECT_EQ(run_.last(), run_.checkpoint(50));
}

TEST_F(RunFolderTest, TheRootShowsTheBestCheckpointOrTheLastWhereThereIsNone) {
  run_.create();
  run_.save_checkpoint(10, false, 3, fill);
  EXPECT_EQ(fs::read_symlink(run_ / "config.json"), "last/config.json");
  run_.save_checkpoint(20, true, 3, fill);
  run_.save_checkpoint(30, false, 3, fill);
  EXPECT_EQ(fs::read_symlink(run_ / "config.json"), "best/config.json");
  EXPECT_EQ(fs::canonical(run_ / "config.json"),
            fs::canonical(run_.checkpoint(20) / "config.json"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(run_ / "trainer_state")));
}

TEST_F(RunFolderTest, AFailingCheckpointLeavesTheOldOnes) {
  run_.create();
  run_.save_checkpoint(10, true, 3, fill);
  const auto fail = [](const fs::path& folder) {
    fill(folder);
    throw std::runtime_error("disk full");
  };
  EXPECT_THROW(run_.save_checkpoint(20, true, 3, fail), std::runtime_error);
  EXPECT_THAT(run_.checkpoint_steps(), ElementsAre(10));
  EXPECT_EQ(run_.last(), run_.checkpoint(10));
}

TEST_F(RunFolderTest, MovesAsAWhole) {
  run_.create();
  run_.save_checkpoint(10, true, 3, fill);
  fs::rename(run_.path(), temporary_ / "moved");
  EXPECT_TRUE(fs::exists(temporary_ / "moved" / "config.json"));
  EXPECT_EQ(checkpoint_of(temporary_ / "moved"), temporary_ / "moved");
}

TEST_F(RunFolderTest, SaysWhereThereIsNothingToResume) {
  EXPECT_THAT([&] { run_.last(); }, ThrowsMessage<std::runtime_error>(HasSubstr("no run folder")));
  run_.create();
  EXPECT_THAT([&] { run_.last(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("no checkpoint to continue")));
}

}  // namespace
}  // namespace zoo
