#include "infer/generation/live_text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace zoo {
namespace {

TEST(LiveTextTest, ShowsTheFirstTextLiveAndTheOthersInTheirTurn) {
  std::ostringstream out;
  LiveText live(out, true);
  live.begin(3);
  live.add(0, "a");
  live.add(1, "x");
  EXPECT_EQ(out.str(), "a");
  live.end(1);
  live.add(0, "b");
  live.end(0);
  EXPECT_EQ(out.str(), "ab\n---------------\nx\n");
  live.add(2, "z");
  EXPECT_EQ(out.str(), "ab\n---------------\nx\n---------------\nz");
  live.end(2);
  EXPECT_EQ(out.str(), "ab\n---------------\nx\n---------------\nz\n");
}

TEST(LiveTextTest, SeparatesBatchesToo) {
  std::ostringstream out;
  LiveText live(out, true);
  for (int batch = 0; batch < 2; ++batch) {
    live.begin(1);
    live.add(0, "t");
    live.end(0);
  }
  EXPECT_EQ(out.str(), "t\n---------------\nt\n");
}

TEST(LiveTextTest, AnEmptyTextIsAnEmptyLine) {
  std::ostringstream out;
  LiveText live(out, false);
  live.begin(2);
  live.end(0);
  live.add(1, "b");
  live.end(1);
  EXPECT_EQ(out.str(), "\nb\n");
}

}  // namespace
}  // namespace zoo
