// Exit codes, and one line for every error.
#include "app/run_app.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <new>

#include "app/cli.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int code;
  std::string out, err;
};

Outcome run(const std::function<int()>& body) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = run_app("prog", body);
  return {code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

Outcome run_throwing(const auto& exception) {
  return run([&]() -> int { throw exception; });
}

TEST(RunAppTest, PassesTheBodysExitCodeOn) {
  const Outcome outcome = run([] {
    std::cout << "result";
    return 3;
  });
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.out, "result");
  EXPECT_EQ(outcome.err, "");
}

TEST(RunAppTest, ErrorsAreOneLineAndExitCodeOne) {
  const Outcome outcome = run_throwing(std::runtime_error("cannot read x"));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "prog: cannot read x\n");
  EXPECT_EQ(outcome.out, "");
}

TEST(RunAppTest, BacktracesBehindTheFirstLineAreCutOff) {
  const Outcome outcome = run_throwing(
      std::runtime_error("attend: bad shape\nException raised from attend at x.cpp:3"));
  EXPECT_EQ(outcome.err, "prog: attend: bad shape\n");
}

TEST(RunAppTest, UsageErrorsEndWithCodeTwo) {
  const Outcome outcome = run_throwing(UsageError("--out: the folder is in use"));
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "prog: --out: the folder is in use\n");
}

TEST(RunAppTest, WrongCommandLinesEndWithCodeTwoAndPointToHelp) {
  const Outcome outcome = run([]() -> int {
    CLI::App app;
    const char* argv[] = {"prog", "--nonsense"};
    parse(app, 2, argv);
    return 0;
  });
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "prog: unknown option --nonsense, see --help\n");
}

TEST(RunAppTest, HelpGoesToStandardOutputWithCodeZero) {
  const Outcome outcome = run([]() -> int {
    CLI::App app{"Does things"};
    const char* argv[] = {"prog", "--help"};
    parse(app, 2, argv);
    return 1;
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Does things"));
  EXPECT_EQ(outcome.err, "");
}

TEST(RunAppTest, ForeignAndEmptyExceptionsStillGiveALine) {
  EXPECT_EQ(run_throwing(42).err, "prog: unknown error\n");
  EXPECT_EQ(run_throwing(42).code, 1);
  EXPECT_EQ(run_throwing(std::runtime_error("")).err, "prog: unknown error\n");
  EXPECT_EQ(run_throwing(std::bad_alloc()).err, "prog: out of memory\n");
  EXPECT_THAT(run_throwing(std::length_error("vector::reserve")).err,
              HasSubstr("prog: out of memory: "));
  EXPECT_THAT(run_throwing(std::runtime_error("index out of range in self")).err,
              HasSubstr("prog: an id lies outside a table of the model"));
}

TEST(RunAppTest, TorchsWordsForAFailedAllocationArePlain) {
  EXPECT_EQ(run_throwing(std::runtime_error(
                             "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: "
                             "can't allocate memory: you tried to allocate 51200000000000 bytes. "
                             "Error code 12 (Cannot allocate memory)\nframe #0"))
                .err,
            "prog: out of memory: 51200000000000 bytes at once; choose a smaller model, context "
            "or batch size\n");
  EXPECT_EQ(run_throwing(std::runtime_error(
                             "[enforce fail at alloc_cpu.cpp:81] ((ptrdiff_t)nbytes) >= 0. "
                             "alloc_cpu() seems to have been called with negative number: -8"))
                .err,
            "prog: out of memory: a block larger than any memory at once; choose a smaller model, "
            "context or batch size\n");
}

/// Runs the body in a child whose standard output is `descriptor`; returns the child's wait status
/// and what it wrote to stderr.
std::pair<int, std::string> run_in_child(int descriptor, const std::function<int()>& body) {
  int errors[2];
  if (::pipe(errors) != 0) throw std::runtime_error("pipe");
  std::cout.flush();
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(descriptor, STDOUT_FILENO);
    ::dup2(errors[1], STDERR_FILENO);
    ::_exit(run_app("prog", body));
  }
  ::close(errors[1]);
  std::string text;
  char buffer[256];
  for (ssize_t n; (n = ::read(errors[0], buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  ::close(errors[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {status, text};
}

int print_a_lot() {
  for (int i = 0; i < 100000; ++i) std::cout << "line " << i << '\n';
  std::cout.flush();
  return 0;
}

TEST(RunAppTest, AReaderThatLeavesEndsTheProgramQuietly) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  ::close(pipe_ends[0]);
  const auto [status, text] = run_in_child(pipe_ends[1], print_a_lot);
  ::close(pipe_ends[1]);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 141);
  EXPECT_EQ(text, "");
}

TEST(RunAppTest, AFullDiskBehindStandardOutputIsAnError) {
  const int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) GTEST_SKIP() << "no /dev/full here";
  for (const std::function<int()>& body :
       {std::function<int()>(print_a_lot), std::function<int()>([] {
          std::cout << "short";
          return 0;
        }),
        std::function<int()>([] {
          std::printf("through stdio");
          return 0;
        })}) {
    const auto [status, text] = run_in_child(full, body);
    EXPECT_EQ(WEXITSTATUS(status), 1);
    EXPECT_EQ(text, "prog: cannot write to standard output: is the disk full?\n");
  }
  ::close(full);
}

}  // namespace
}  // namespace zoo
