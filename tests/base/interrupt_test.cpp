// Signals as requests. The second signal's end is watched from outside, in a child process.
#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace zoo {
namespace {

TEST(InterruptTest, TheFirstSignalOnlySetsTheFlag) {
  for (const int number : {SIGINT, SIGTERM}) {
    const InterruptGuard guard;
    EXPECT_FALSE(InterruptGuard::requested());
    std::raise(number);
    EXPECT_TRUE(InterruptGuard::requested());
  }
}

TEST(InterruptTest, ARequestWithoutASignalCountsToo) {
  const InterruptGuard guard;
  InterruptGuard::request();
  EXPECT_TRUE(InterruptGuard::requested());
}

TEST(InterruptTest, AGuardInsideAGuardKeepsTheRequest) {
  const InterruptGuard outer;
  std::raise(SIGINT);
  { const InterruptGuard inner; }
  EXPECT_TRUE(InterruptGuard::requested());
  std::signal(SIGINT, SIG_DFL);  // the outer guard puts back what stood before it
}

TEST(InterruptTest, OldHandlersComeBack) {
  static int calls;
  calls = 0;
  std::signal(SIGINT, [](int) { ++calls; });
  { const InterruptGuard guard; }
  std::raise(SIGINT);
  std::signal(SIGINT, SIG_DFL);
  EXPECT_EQ(calls, 1);
}

TEST(InterruptTest, WhatWasIgnoredStaysIgnored) {
  std::signal(SIGINT, SIG_IGN);  // as nohup and shells do for jobs in the background
  {
    const InterruptGuard guard;
    std::raise(SIGINT);
    EXPECT_FALSE(InterruptGuard::requested());
  }
  EXPECT_EQ(std::signal(SIGINT, SIG_DFL), SIG_IGN);
}

TEST(InterruptTest, TheSecondSignalEndsTheProgram) {
  const pid_t child = ::fork();
  if (child == 0) {
    const InterruptGuard guard;
    std::raise(SIGINT);
    std::raise(SIGTERM);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace zoo
