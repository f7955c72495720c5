// --processes: copies of a program that begin and end together.
#include "train/processes/launch.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/files.h"
#include "base/interrupt.h"
#include "tests/train/processes/joined.h"

namespace zoo {
namespace {

/// Launches the body that a variable names.
PROCESS_BODY(Launches) {
  const InterruptGuard interrupt;
  ::setenv("ZOO_TEST_BODY", std::getenv("ZOO_TEST_LAUNCHED"), 1);
  const int code = launch_processes(
      {.processes = 2, .program = "body", .patience = std::chrono::seconds(20)}, {"body"});
  std::fflush(stdout);
  std::_Exit(code);
}

/// Until a signal comes; then both stop at the same step.
PROCESS_BODY(UntilSignal) {
  const InterruptGuard interrupt;
  follow_launcher();
  const auto processes = join_for_test();
  if (const char* const folder = std::getenv("ZOO_TEST_FOLDER"); folder != nullptr)
    write_file(std::filesystem::path(folder) / std::to_string(own_rank()),
               std::to_string(::getpid()));
  fmt::print("joined\n");
  std::fflush(stdout);
  int64_t steps = 0;
  while (!processes->any(InterruptGuard::requested())) {
    ++steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  fmt::print("{}\n", processes->exchange(std::to_string(steps))[1] == std::to_string(steps));
  std::fflush(stdout);
  throw Interrupted("stopped");
}

PROCESS_BODY(Fails) {
  follow_launcher();
  const auto processes = join_for_test();
  fmt::print("{} thread\n", std::getenv("OMP_NUM_THREADS"));
  if (own_rank() == 1) throw std::runtime_error("the disk is full");
  while (true) processes->sum({1.0});
}

PROCESS_BODY(Killed) {
  follow_launcher();
  const auto processes = join_for_test();
  if (own_rank() == 1) ::raise(SIGKILL);
  while (true) processes->sum({1.0});
}

PROCESS_BODY(Stopped) {
  follow_launcher();
  const auto processes = join_for_test();
  fmt::print("joined\n");
  std::fflush(stdout);
  if (own_rank() == 1) ::raise(SIGSTOP);
  while (true) processes->sum({1.0});
}

class LaunchedTest : public testing::Test {
  void SetUp() override {
    if (!can_join_processes()) GTEST_SKIP() << "this build has no Gloo: install libgloo-dev";
  }
};

ProcessRun launch(const std::string& body) {
  return {.body = "Launches",
          .variables = {{"WORLD_SIZE", "1"}, {"RANK", "0"}, {"ZOO_TEST_LAUNCHED", body}}};
}

TEST_F(LaunchedTest, BothPrintWhatProcess0PrintsAndEndWell) {
  const auto end = run_processes(1, launch("Sums")).front();
  EXPECT_EQ(end.code, 0) << end.errors;
  EXPECT_EQ(end.errors, "");
  EXPECT_NE(end.output, "");
}

TEST_F(LaunchedTest, ASignalStopsBothAtOnePoint) {
  for (const int signal : {SIGINT, SIGTERM}) {
    auto run = launch("UntilSignal");
    bool sent = false;
    run.meddle = [&](int, int pid, double seconds) {
      if (sent || seconds < 0.3) return;
      ::kill(pid, signal);
      sent = true;
    };
    const auto end = run_processes(1, run).front();
    EXPECT_EQ(end.output, "joined\ntrue\n") << end.errors;
    EXPECT_EQ(end.code, 1);  // of the body's exception
  }
}

TEST_F(LaunchedTest, TheLineOfACopyThatFailsIsShown) {
  const auto end = run_processes(1, launch("Fails")).front();
  EXPECT_EQ(end.code, 1);
  EXPECT_THAT(end.errors, testing::HasSubstr("process 1: body: the disk is full\n"));
  EXPECT_THAT(end.errors, testing::HasSubstr("body: process 1 ("));
}

TEST_F(LaunchedTest, TheSignalThatEndedACopyIsShown) {
  const auto end = run_processes(1, launch("Killed")).front();
  EXPECT_THAT(end.errors, testing::HasSubstr(" was ended by signal 9 (Killed)\n"));
  EXPECT_NE(end.code, 0);
}

TEST_F(LaunchedTest, AStoppedCopyIsEndedWithTheOthers) {
  auto run = launch("Stopped");
  run.variables["ZOO_TEST_TIMEOUT"] = "10";
  const auto end = run_processes(1, run).front();
  EXPECT_THAT(end.errors, testing::HasSubstr("has sent no sign of life for 1 s"));
  EXPECT_THAT(end.errors, testing::Not(testing::HasSubstr("signal 9")));
  EXPECT_LT(end.seconds, 10.0);  // not the launcher's patience
}

TEST_F(LaunchedTest, CopiesEndWithTheirLauncher) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("zoo-launch-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  auto run = launch("UntilSignal");
  run.variables["ZOO_TEST_FOLDER"] = folder.string();
  const auto both = [&] { return exists(folder / "0") && exists(folder / "1"); };
  run.meddle = [&](int, int pid, double) {
    if (both()) ::kill(pid, SIGKILL);
  };
  const auto end = run_processes(1, run).front();
  EXPECT_EQ(end.code, 128 + SIGKILL);
  ASSERT_TRUE(both());
  const auto gone = [&](const char* rank) {
    return !std::filesystem::exists("/proc/" + read_file(folder / rank));
  };
  for (int i = 0; i < 100 && !(gone("0") && gone("1")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(gone("0") && gone("1"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace zoo
