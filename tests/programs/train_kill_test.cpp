// Training that is killed at any moment, or whose disk is full: what is left goes on to the same
// bits as a run that nothing stopped.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class TrainGptKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int n = 0; n < 100; ++n) text += std::to_string(n * 7919 % 1000) + " foxes jump\n";
    write_file(folder_ / "text.txt", text);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Flags flags(const std::string& out) const {
    return {{"data", path("text.txt")},
            {"out", path(out)},
            {"layers", "1"},
            {"heads", "2"},
            {"d-model", "16"},
            {"context", "16"},
            {"threads", "1"},
            {"residual-dropout", "0.1"},
            {"ema-decay", "0.9"},
            {"evaluate-every", "10"},
            {"save-every", "5"},
            {"keep", "2"},
            {"schedule-steps", "400"},
            {"max-steps", "400"},
            {"sample-tokens", "3"}};
  }
  /// What does not depend on time.
  std::string metrics(const std::string& run) const {
    std::istringstream all(read_file(folder_ / run / "metrics.jsonl"));
    std::string kept;
    for (std::string line; std::getline(all, line);) {
      const auto end = std::min(line.find("\"tokens_per_s\""), line.find("\"elapsed_s\""));
      kept += line.substr(0, end) + "\n";
    }
    return kept;
  }
  std::vector<std::string> names_in(const fs::path& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  void expect_equal_runs(const std::string& a, const std::string& b) const {
    EXPECT_EQ(metrics(a), metrics(b));
    EXPECT_EQ(read_file(folder_ / a / "last/model.safetensors"),
              read_file(folder_ / b / "last/model.safetensors"));
    EXPECT_EQ(read_file(folder_ / a / "model.safetensors"),
              read_file(folder_ / b / "model.safetensors"));
    EXPECT_EQ(read_file(folder_ / a / "last/trainer_state/tensors.safetensors"),
              read_file(folder_ / b / "last/trainer_state/tensors.safetensors"));
    EXPECT_EQ(names_in(folder_ / a), names_in(folder_ / b));
    EXPECT_EQ(names_in(folder_ / a / "checkpoints"), names_in(folder_ / b / "checkpoints"));
    EXPECT_EQ(fs::read_symlink(folder_ / a / "best"), fs::read_symlink(folder_ / b / "best"));
  }
  bool has_checkpoint(const std::string& run) const {
    const auto folder = folder_ / run / "checkpoints";
    if (!fs::is_directory(folder)) return false;
    return std::ranges::any_of(names_in(folder),
                               [](const std::string& name) { return name.starts_with("step-"); });
  }
  /// Begins the run, or goes on with it: whichever the folder's state asks for.
  ProgramResult go(const std::string& run, const ProgramRun& how = {}) const {
    const std::vector<std::string> resume = {"--resume", path(run)};
    return run_program("train_gpt", has_checkpoint(run) ? resume : flag_words(flags(run), {}), how);
  }
  TemporaryFolder folder_;
};

TEST_F(TrainGptKillTest, EveryKillGoesOnToTheSameBits) {
  const auto began = std::chrono::steady_clock::now();
  ASSERT_EQ(go("whole").exit_code, 0);
  const auto whole =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
  std::mt19937 random(std::random_device{}());
  int kills = 0;
  for (int round = 0; round < 3; ++round) {
    const std::string run = "killed-" + std::to_string(round);
    bool done = false;
    for (int tries = 0; !done && tries < 40; ++tries) {
      // Any moment of a run, from the loader to the report.
      const milliseconds after(random() % static_cast<uint32_t>(whole.count() + 1) + 1);
      const auto result = go(run, {.timeout = after});
      kills += result.timed_out;
      if (!result.timed_out) {
        ASSERT_EQ(result.exit_code, 0) << result.err;
        done = true;
      }
    }
    if (!done) ASSERT_EQ(go(run).exit_code, 0);
    expect_equal_runs("whole", run);
  }
  EXPECT_GE(kills, 1) << "killed too late to learn anything";
}

TEST_F(TrainGptKillTest, AFullDiskCostsNoCheckpoint) {
  ASSERT_EQ(run_program("train_gpt", flag_words(flags("whole"), {{"max-steps", "40"}})).exit_code,
            0);
  ASSERT_EQ(run_program("train_gpt", flag_words(flags("full"), {{"max-steps", "20"}})).exit_code,
            0);
  const auto before = names_in(folder_ / "full/checkpoints");
  const auto weights = fs::file_size(folder_ / "full/last/model.safetensors");
  const auto state = fs::file_size(folder_ / "full/last/trainer_state/tensors.safetensors");
  for (const uint64_t largest : {weights / 2, state - 1, uint64_t{100}}) {
    const auto result = run_program("train_gpt", {"--resume", path("full"), "--max-steps", "40"},
                                    {.largest_file = largest});
    expect_one_line(result, 1, "train_gpt", "File too large");
    EXPECT_EQ(names_in(folder_ / "full/checkpoints"), before);
  }
  const auto resumed = run_program("train_gpt", {"--resume", path("full"), "--max-steps", "40"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_equal_runs("whole", "full");
}

TEST_F(TrainGptKillTest, ADiskThatWasFullFromTheStartLeavesNothing) {
  const auto result =
      run_program("train_gpt", flag_words(flags("full"), {}), {.largest_file = 5000});
  expect_one_line(result, 1, "train_gpt", "File too large");
  EXPECT_FALSE(fs::exists(folder_ / "full"));
}

}  // namespace
}  // namespace zoo::testing
