// Charts as text: what stands where, and that no data can break the picture.
#include "app/figures/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include "tests/support/occurrences.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Chart chart_of(std::vector<ChartPoint> points) {
  Chart chart;
  chart.x_label = "updates";
  chart.y_label = "loss (nats)";
  chart.lines.push_back({"train", ChartLine::Look::kTrain, std::move(points)});
  return chart;
}

/// The d="..." of the path of this class.
std::string path_of(const std::string& svg, const std::string& look) {
  const std::string start = "<path class=\"" + look + "\" d=\"";
  const size_t at = svg.find(start);
  if (at == std::string::npos) return "none";
  return svg.substr(at + start.size(), svg.find('"', at + start.size()) - at - start.size());
}

void expect_sound(const std::string& svg) {
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
}

TEST(ChartTest, AxesAreLabelledAndTicked) {
  const std::string svg = render_svg(chart_of({{0, 1}, {1000, 4}}), 1000, 400);
  expect_sound(svg);
  for (const char* text : {">updates<", ">loss (nats)<", ">1<", ">2.5<", ">200<", ">1000<"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
}

TEST(ChartTest, ALogarithmicAxisTicksPowersAndSpacesThemEvenly) {
  Chart chart = chart_of({{1, 0.5}, {2, 5}, {3, 50}});
  chart.log_y = true;
  const std::string svg = render_svg(chart, 400, 300);
  expect_sound(svg);
  for (const char* text : {">1<", ">10<"}) EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_THAT(svg, Not(HasSubstr(">0<")));
  double x[3], y[3];
  ASSERT_EQ(std::sscanf(path_of(svg, "train").c_str(), "M%lf %lfL%lf %lfL%lf %lf", &x[0], &y[0],
                        &x[1], &y[1], &x[2], &y[2]),
            6);
  EXPECT_NEAR(y[0] - y[1], y[1] - y[2], 0.2);
}

TEST(ChartTest, ALogarithmicAxisWithinOneDecadeHasTicksAllTheSame) {
  Chart chart = chart_of({{1, 0.03}, {2, 0.07}});
  chart.log_y = true;
  EXPECT_THAT(render_svg(chart, 400, 300), HasSubstr(">0.05<"));
}

TEST(ChartTest, ALogarithmicAxisWithoutARoundNumberHasEvenTicks) {
  Chart chart = chart_of({{1, 3.12}, {2, 3.15}});
  chart.log_y = true;
  const std::string svg = render_svg(chart, 400, 300);
  for (const char* text : {">3.12<", ">3.13<", ">3.14<"}) EXPECT_THAT(svg, HasSubstr(text));
}

TEST(ChartTest, WideAndNarrowWindowsGetTheirOwn) {
  const std::string both = render_both(chart_of({{0, 1}, {1, 2}}));
  EXPECT_THAT(both, HasSubstr("<div class=\"for-wide\"><svg viewBox=\"0 0 1000 400\""));
  EXPECT_THAT(both, HasSubstr("<div class=\"for-narrow\"><svg viewBox=\"0 0 400 300\""));
}

TEST(ChartTest, ALogarithmicAxisOfManyDecadesTicksEverySecond) {
  Chart chart = chart_of({{1, 1e-15}, {2, 1}});
  chart.log_y = true;
  const std::string svg = render_svg(chart, 400, 300);
  for (const char* text : {">1<", ">0.01<", ">1e-14<"}) EXPECT_THAT(svg, HasSubstr(text));
  for (const char* text : {">0.1<", ">0<"}) EXPECT_THAT(svg, Not(HasSubstr(text)));
}

TEST(ChartTest, EveryColourHasAFallback) {
  const std::string style(chart_style());
  EXPECT_GT(testing::occurrences(style, "var(--"), 10U);
  for (size_t at = 0; (at = style.find("var(--", at)) != std::string::npos; ++at)
    EXPECT_THAT(style.substr(at, style.find(')', at) - at), HasSubstr(", #"));
}

TEST(ChartTest, TheLegendNamesWhatThePictureShows) {
  Chart chart = chart_of({{0, 1}, {1, 2}});
  chart.lines.push_back({"one <b>", ChartLine::Look::kSeries, {{0, 1}, {1, 2}}, 3});
  chart.chance = 2.5;
  const std::string legend = render_legend(chart);
  EXPECT_THAT(legend, HasSubstr("<span class=\"train\">train</span>"));
  EXPECT_THAT(legend, HasSubstr("<span class=\"series s3\">one &lt;b&gt;</span>"));
  EXPECT_THAT(legend, HasSubstr("chance 2.5"));
  EXPECT_NE(path_of(render_svg(chart, 400, 300), "series s3"), "none");
}

TEST(ChartTest, ALogarithmicXAxisBeginsWhereTheDataDo) {
  Chart chart = chart_of({{128, 1}, {4096, 2}});
  chart.log_x = true;
  const std::string svg = render_svg(chart, 400, 300);
  EXPECT_THAT(svg, HasSubstr(">200<"));
  EXPECT_THAT(svg, Not(HasSubstr(">10<")));
}

TEST(ChartTest, APointThatIsNoNumberInterruptsTheLine) {
  const std::string svg =
      render_svg(chart_of({{0, 1}, {1, 2}, {2, kNan}, {3, kInfinity}, {4, 1}}), 400, 300);
  expect_sound(svg);
  EXPECT_EQ(testing::occurrences(path_of(svg, "train"), "M"), 2u);
  EXPECT_EQ(testing::occurrences(path_of(svg, "train"), "L"), 1u);
}

TEST(ChartTest, TicksOfAnAlmostFlatLineAllReadDifferently) {
  const auto svg = render_svg(chart_of({{0, 3.33701}, {1, 3.33702}, {2, 3.33704}}), 1000, 400);
  EXPECT_EQ(testing::occurrences(svg, ">3.337<"), 0u);
  EXPECT_EQ(testing::occurrences(svg, ">3.335<"), 1u);
}

TEST(ChartTest, DegenerateDataStillMakesAPicture) {
  expect_sound(render_svg(chart_of({}), 400, 300));
  expect_sound(render_svg(chart_of({{0, kNan}}), 400, 300));
  expect_sound(render_svg(chart_of({{0, 0}, {5, 0}}), 400, 300));
  expect_sound(render_svg(chart_of({{0, 1e300}, {5, -1e300}}), 400, 300));
  expect_sound(render_svg(chart_of({{5, 1e-300}, {5, 2e-300}}), 400, 300));
  const std::string one = render_svg(chart_of({{1, 2.5}}), 400, 300);
  expect_sound(one);
  EXPECT_EQ(testing::occurrences(one, "<circle"), 1u) << "a line of one point is a dot";
}

TEST(ChartTest, ChanceAndBandAreDrawnInsideTheRange) {
  Chart chart = chart_of({{0, 3}, {10, 2}});
  chart.chance = 4.17;
  chart.band = {{-kInfinity, 1.91}};
  const std::string svg = render_svg(chart, 400, 300);
  expect_sound(svg);
  EXPECT_THAT(svg, HasSubstr("class=\"chance\""));
  EXPECT_THAT(svg, HasSubstr("class=\"band\""));
  chart.band = {{1.91, kInfinity}};
  expect_sound(render_svg(chart, 400, 300));
}

TEST(ChartTest, OneSpikeOfAFaintLineDoesNotFlattenTheRest) {
  Chart chart = chart_of({});
  for (int i = 0; i < 1000; ++i) {
    chart.lines[0].points.push_back({static_cast<double>(i), i == 500 ? 1e6 : 1.0 + i % 2});
  }
  EXPECT_THAT(render_svg(chart, 400, 300), HasSubstr(">1M<"));
  chart.lines[0].look = ChartLine::Look::kFaint;
  EXPECT_THAT(render_svg(chart, 400, 300), Not(HasSubstr(">1M<")));
}

TEST(ChartTest, ALogarithmicAxisHasAPlaceForStepZero) {
  Chart chart = chart_of({{0, 1}, {9, 2}, {99, 3}});
  chart.log_x = true;
  const std::string svg = render_svg(chart, 474, 300);
  expect_sound(svg);
  // 400 units for two powers of ten from x = 52 on.
  EXPECT_THAT(path_of(svg, "train"), ::testing::MatchesRegex("M52\\.0 .*L252\\.0 .*L452\\.0 .*"));
}

TEST(ChartTest, ManyPointsAreThinnedButTheirExtremesStay) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 200000; ++i)
    points.push_back({static_cast<double>(i), i == 77777 ? 9.0 : 1.0});
  const std::string path = path_of(render_svg(chart_of(points), 400, 300), "train");
  EXPECT_LT(path.size(), 20000u);
  // The margin of 5 % above the highest value of 9.
  const double top = 26 + (300 - 26 - 42) * 0.05 / 1.1;
  EXPECT_THAT(path, HasSubstr(" " + std::to_string(top).substr(0, 4)));
}

TEST(ChartTest, LabelsAreEscaped) {
  Chart chart = chart_of({{1, 2}});
  chart.y_label = "</text><script>alert(1)</script>";
  chart.lines[0].label = "\"><img src=x>";
  const std::string svg = render_svg(chart, 400, 300);
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
  EXPECT_THAT(svg, Not(HasSubstr("<img")));
}

TEST(SmoothTest, AMeanOfACentredWindowKeepsStraightLinesStraight) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 500; ++i) points.push_back({static_cast<double>(i), 3.0 - 0.001 * i});
  for (const ChartPoint& point : smooth(points)) {
    EXPECT_NEAR(point.y, 3.0 - 0.001 * point.x, point.x < 495 ? 1e-12 : 0.002);
  }
}

TEST(SmoothTest, NoiseShrinksAndGapsStayGaps) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back({static_cast<double>(i), i % 2 ? 1.0 : -1.0});
  points[500].y = kNan;
  const auto smoothed = smooth(points);
  EXPECT_LT(std::abs(smoothed[300].y), 0.06);
  EXPECT_TRUE(std::isnan(smoothed[500].y));
  EXPECT_LT(std::abs(smoothed[501].y), 0.11);
  EXPECT_EQ(smoothed[0].y, -1);
  EXPECT_TRUE(smooth({}).empty());
}

TEST(ShortNumberTest, IsShortAndReadable) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(1.25), "1.25");
  EXPECT_EQ(short_number(0.0004), "0.0004");
  EXPECT_EQ(short_number(3e-5), "3e-5");
  EXPECT_EQ(short_number(2000), "2000");
  EXPECT_EQ(short_number(45000), "45k");
  EXPECT_EQ(short_number(-1200000), "-1.2M");
  EXPECT_EQ(short_number(1e15), "1e+15");
  EXPECT_EQ(short_number(1e-14), "1e-14");
  EXPECT_EQ(short_number(kNan), "\xE2\x80\x93");
}

}  // namespace
}  // namespace zoo
