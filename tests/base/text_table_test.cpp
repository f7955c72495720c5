#include "base/text_table.h"

#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(TextTableTest, ColumnsAreAsWideAsTheirLongestCell) {
  const std::vector<std::vector<std::string>> rows{{"name", "n", "note"}, {"a", "100"}};
  const auto widths = column_widths(rows, 2);
  EXPECT_EQ(widths, (std::vector<size_t>{4, 3}));
  EXPECT_EQ(table_line(rows[0], widths, 1), "name    n  note");
  EXPECT_EQ(table_line(rows[1], widths, 1), "a     100");
  EXPECT_EQ(table_line({"a", ""}, widths, 1), "a");
}

TEST(MedianTest, IsTheUpperOfTwoMiddleValues) {
  EXPECT_EQ(median({3.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(median({4.0, 1.0, 3.0, 2.0}), 3.0);
  EXPECT_EQ(median({}), 0.0);
}

}  // namespace
}  // namespace zoo
