// What the bar writes, on a pseudo-terminal of a given width and into a file.
#include "app/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <stdexcept>

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// What `body` writes to stderr in a child process whose terminal has this many columns.
std::string on_terminal(int columns, const std::function<void()>& body) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = 24;
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child < 0) throw std::runtime_error("no pseudo-terminal");
  if (child == 0) {
    ::setenv("TERM", "xterm", 1);
    body();
    ::_exit(0);
  }
  std::string text;
  char buffer[1024];
  for (ssize_t n; (n = ::read(terminal, buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return text;
}

std::string into_file(const char* every, const std::function<void()>& body) {
  ::setenv("ZOO_PROGRESS_SECONDS", every, 1);
  ::testing::internal::CaptureStderr();
  body();
  ::unsetenv("ZOO_PROGRESS_SECONDS");
  return ::testing::internal::GetCapturedStderr();
}

/// The longest stretch between line ends and returns, escape sequences left out.
size_t widest(const std::string& text) {
  size_t best = 0, now = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') {
      now = 0;
    } else if (text[i] == '\x1b') {
      i = text.find('K', i);
    } else if ((text[i] & 0xC0) != 0x80) {
      best = std::max(best, ++now);
    }
  }
  return best;
}

void half_way() {
  ProgressBar bar("train", 2000);
  bar.update(1000, "loss 2.31  lr 1.0e-03  12.3k tokens/s  \xCE\x94 0.5");
  bar.finish();
}

TEST(ProgressBarTest, ShowsPartCountDetailsAndTimeLeft) {
  const std::string text = on_terminal(100, half_way);
  EXPECT_THAT(text, HasSubstr("train  50% ["));
  EXPECT_THAT(text, HasSubstr("] 1000/2000  loss 2.31"));
  EXPECT_THAT(text, HasSubstr("ETA "));
}

TEST(ProgressBarTest, NeverWrapsHoweverNarrowTheTerminal) {
  for (const int columns : {120, 80, 60, 40, 20, 10, 2, 1}) {
    EXPECT_LT(widest(on_terminal(columns, half_way)), static_cast<size_t>(columns)) << columns;
  }
}

TEST(ProgressBarTest, ANarrowTerminalStillShowsTheTimeLeft) {
  const auto shown = [](int columns) { return on_terminal(columns, half_way); };
  EXPECT_THAT(shown(120), AllOf(HasSubstr("train  50% [===="), HasSubstr("1000/2000  loss 2.31  "),
                                HasSubstr("  ETA ")));
  EXPECT_THAT(shown(50), HasSubstr("train  50% 1000/2000  loss 2.31  ETA "));
  EXPECT_THAT(shown(34), HasSubstr("train  50% 1000/2000  ETA "));
  EXPECT_THAT(shown(28), HasSubstr("\r 50% 1000/2000  ETA "));
  EXPECT_THAT(shown(20), HasSubstr("\r 50%  ETA "));
  EXPECT_THAT(shown(8), HasSubstr("\r 50%\x1b"));
}

TEST(ProgressBarTest, WithoutDetailsItShowsTheCountAndTheTimeLeft) {
  const auto counting = [] {
    ProgressBar bar("reading pictures", 2000);
    bar.update(500, "");
    bar.finish();
  };
  EXPECT_THAT(on_terminal(50, counting), HasSubstr("] 500/2000  ETA "));
  EXPECT_THAT(on_terminal(44, counting), HasSubstr("reading pictures  25% 500/2000  ETA "));
  EXPECT_THAT(on_terminal(35, counting), HasSubstr("\r 25% 500/2000  ETA "));
}

TEST(ProgressBarTest, AFinishedBarKeepsTheTimeItTook) {
  const auto whole = [] {
    ProgressBar bar("train", 2000);
    bar.update(2000, "loss 2.31  lr 1.0e-03  12.3k tokens/s");
    bar.finish();
  };
  EXPECT_THAT(on_terminal(40, whole), HasSubstr("train 100% 2000/2000  loss 2.31  0s"));
}

TEST(ProgressBarTest, ATerminalThatHidesItsSizeIsAskedThroughTheEnvironment) {
  const auto with_columns = [](const char* columns) {
    return on_terminal(0, [columns] {
      ::unsetenv("COLUMNS");
      if (columns != nullptr) ::setenv("COLUMNS", columns, 1);
      half_way();
    });
  };
  EXPECT_LT(widest(with_columns("40")), 40U);
  EXPECT_THAT(with_columns("40"), HasSubstr("ETA "));
  EXPECT_THAT(with_columns(nullptr), HasSubstr("loss 2.31  lr 1.0e-03  "));
  EXPECT_LT(widest(with_columns("no number")), 80U);
}

TEST(ProgressBarTest, ResultsAboveTheBarGoToStandardOutput) {
  const std::string text = into_file("0", [] {
    ::testing::internal::CaptureStdout();
    ProgressBar bar("train", 10);
    bar.update(1, "");
    bar.print_result_above("step 1: val loss 3.2");
    EXPECT_EQ(::testing::internal::GetCapturedStdout(), "step 1: val loss 3.2\n");
  });
  EXPECT_THAT(text, Not(HasSubstr("val loss")));
}

TEST(ProgressBarTest, LinesAboveDoNotMixWithTheBar) {
  const std::string text = on_terminal(80, [] {
    ProgressBar bar("train", 10);
    bar.update(1, "");
    bar.print_above("step 1: val loss 3.2");
    bar.update(2, "");
    bar.finish();
  });
  EXPECT_THAT(text, HasSubstr("\r\x1b[Kstep 1: val loss 3.2\r\n\rtrain  10%"));
  EXPECT_THAT(text, HasSubstr("\rtrain  20%"));
}

TEST(ProgressBarTest, AnAbandonedBarEndsItsLine) {
  const std::string text = on_terminal(80, [] {
    ProgressBar bar("train", 10);
    bar.update(3, "");
  });
  EXPECT_EQ(text.substr(text.size() - 2), "\r\n");
}

TEST(ProgressBarTest, ElsewhereItPrintsPlainLines) {
  const std::string text = into_file("0", [] {
    ProgressBar bar("train", 4, 1);
    bar.update(2, "loss 2");
    bar.print_above("saved");
    bar.update(4, "loss 1");
  });
  EXPECT_THAT(text, HasSubstr("train  50% 2/4  loss 2  ETA "));
  EXPECT_THAT(text, HasSubstr("\nsaved\ntrain 100% 4/4  loss 1  "));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(ProgressBarTest, ElsewhereLinesAreRareAndTheLastOneComesOnce) {
  const std::string text = into_file("1000", [] {
    ProgressBar bar("train", 4);
    for (int i = 1; i <= 4; ++i) bar.update(i, "");
    bar.finish();
    bar.finish();
    bar.update(4, "");
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("train 100% 4/4"));
}

TEST(ProgressBarTest, AnEmptyWorkIsDone) {
  EXPECT_THAT(into_file("0", [] { ProgressBar("copy", 0).finish(); }), HasSubstr("copy 100% 0/0"));
}

}  // namespace
}  // namespace zoo
