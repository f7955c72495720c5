#include "infer/generation/live_text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace zoo {
namespace {

TEST(LiveTextTest, ShowsTheFirstTextLiveAndTheOthersInTheirTurn) {
  std::ostringstream out;
  LiveText live(out);
  live.begin({"== 1", "== 2", "== 3"});
  EXPECT_EQ(out.str(), "");
  live.add(0, "a");
  live.add(1, "x");
  EXPECT_EQ(out.str(), "== 1\na");
  live.end(1);
  live.add(0, "b");
  live.end(0);
  EXPECT_EQ(out.str(), "== 1\nab\n== 2\nx\n");
  live.add(2, "z");
  EXPECT_EQ(out.str(), "== 1\nab\n== 2\nx\n== 3\nz");
  live.end(2);
  EXPECT_EQ(out.str(), "== 1\nab\n== 2\nx\n== 3\nz\n");
}

TEST(LiveTextTest, GivesEachBatchItsHeadings) {
  std::ostringstream out;
  LiveText live(out);
  for (const char* heading : {"== 1", "== 2"}) {
    live.begin({heading});
    live.add(0, "t");
    live.end(0);
  }
  EXPECT_EQ(out.str(), "== 1\nt\n== 2\nt\n");
}

TEST(LiveTextTest, AnEmptyTextIsAnEmptyLineAndAnEmptyHeadingIsNone) {
  std::ostringstream out;
  LiveText live(out);
  live.begin({"", "", "== 3"});
  live.end(0);
  live.add(1, "b");
  live.end(1);
  live.end(2);
  EXPECT_EQ(out.str(), "\nb\n== 3\n\n");
}

}  // namespace
}  // namespace zoo
