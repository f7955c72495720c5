#include "app/figures/matrix_figure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/occurrences.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Image cells(int rows, int columns) {
  const std::vector<float> values(static_cast<size_t>(rows) * static_cast<size_t>(columns), 0.5F);
  return heat_map(values, rows, columns, 0, 1, 1);
}

TEST(MatrixFigureTest, EveryRowAndColumnHasItsLabelAndEveryAxisItsName) {
  const auto svg =
      matrix_svg({{"le", "chat"}, {"the", "cat", "."}, "French", "English"}, cells(2, 3));
  for (const char* label : {">le<", ">chat<", ">the<", ">cat<", ">.<", ">French ", ">English "})
    EXPECT_THAT(svg, HasSubstr(label));
  EXPECT_THAT(svg, HasSubstr(R"(width="36" height="24")"));  // 3 columns, 2 rows
}

TEST(MatrixFigureTest, LabelsAreText) {
  const auto svg = matrix_svg({{"<b>"}, {"a&b"}, "\"x\"", "<y>"}, cells(1, 1));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(svg, HasSubstr("a&amp;b"));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, Not(HasSubstr("<y>")));
}

TEST(MatrixFigureTest, TooManyLabelsAreThinnedEvenly) {
  const std::vector<std::string> many(145, "x");
  const auto svg = matrix_svg({many, {"one"}, "rows", "columns"}, cells(145, 1));
  EXPECT_EQ(testing::occurrences(svg, ">x<"), 49U);  // every third
}

TEST(MatrixFigureTest, LabelsLieFlatWhereTheyFitAndAreThinnedWhereCellsAreSmall) {
  const auto turned = [](const std::string& label, int cell) {
    const MatrixFrame frame{{"r"}, {label, label}, "rows", "columns", cell};
    return testing::occurrences(matrix_svg(frame, cells(1, 2)), "rotate");
  };
  EXPECT_EQ(turned("x", 12), 0U);
  EXPECT_EQ(turned("word", 12), 2U);
  EXPECT_EQ(turned("word", 28), 0U);
  const std::vector<std::string> ten(10, "x");
  const auto svg = matrix_svg({ten, {"one"}, "rows", "columns", 3}, cells(10, 1));
  EXPECT_EQ(testing::occurrences(svg, ">x<"), 3U);  // 12 units apart
}

TEST(MatrixFigureTest, NamesOfAxesFitIntoTheNarrowestPicture) {
  const auto svg = matrix_svg({{"r"}, {"c"}, std::string(30, 'm'), "k"}, cells(1, 1));
  EXPECT_GE(std::stoi(svg.substr(svg.find("viewBox=\"0 0 ") + 13)), 30 * 6);
}

TEST(MatrixFigureTest, OnAPageItScrollsBeforeItsLabelsAreTooSmall) {
  const auto html = matrix_html({{"r"}, {"c"}, std::string(30, 'm'), "k"}, cells(1, 1));
  EXPECT_THAT(html, HasSubstr("<div class=\"scroll\"><svg style=\"width:400px;min-width:200px;"));
}

TEST(MatrixFigureTest, LongLabelsGetRoom) {
  const auto width_of = [](const std::string& label) {
    const auto svg = matrix_svg({{label}, {"a"}, "r", "c"}, cells(1, 1));
    return std::stoi(svg.substr(svg.find("viewBox=\"0 0 ") + 13));
  };
  EXPECT_EQ(width_of("short"), width_of("a"));
  EXPECT_EQ(width_of(std::string(30, 'm')), 30 * 6 + 8 + 12 + 4);
}

}  // namespace
}  // namespace zoo
