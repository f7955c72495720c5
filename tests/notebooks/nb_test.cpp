// Claims, pictures and tables of lessons, as text and as a notebook receives them.
#include "notebooks-cpp/nb/nb.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/files.h"
#include "tests/support/occurrences.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What `action` prints.
template <class Action>
std::string printed(Action action) {
  ::testing::internal::CaptureStdout();
  action();
  return ::testing::internal::GetCapturedStdout();
}

/// An environment variable for the length of a test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST(BoundTest, HoldsItsEndsAndRefusesNan) {
  EXPECT_TRUE(nb::near(64, 3).holds(67));
  EXPECT_FALSE(nb::near(64, 3).holds(67.1));
  EXPECT_TRUE(nb::at_most(0).holds(0));
  EXPECT_FALSE(nb::at_least(1).holds(0.999));
  EXPECT_FALSE(nb::between(-1, 1).holds(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(nb::at_least(1).holds(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(nb::near(64, 3).text, "64 to within 3");
  EXPECT_EQ(nb::at_most(0.01).text, "at most 0.01");
}

TEST(ClaimTest, SaysWhatWasMeasuredAndFailsTheLesson) {
  printed([] { nb::finish(); });  // claims of other tests
  EXPECT_THAT(printed([] { EXPECT_EQ(nb::finish(), 1); }), HasSubstr("no claim was made"));
  const std::string good = printed([] {
    nb::claim("rows sum to one", 1.0, nb::near(1, 1e-6));
    nb::claim("it is finite", true);
    nb::refute("without the scale it is as flat", 0.2, nb::at_least(0.9));
  });
  EXPECT_THAT(good, HasSubstr("[holds] rows sum to one  (measured 1; claimed: 1 to within 1e-06)"));
  EXPECT_THAT(good, HasSubstr("[holds] it is finite\n"));
  EXPECT_THAT(
      good,
      HasSubstr("[refuted] without the scale it is as flat  (measured 0.2, not at least 0.9)"));
  EXPECT_EQ(printed([&] { EXPECT_EQ(nb::finish(), 0); }), "3 claims, all hold\n");
  const testing::TemporaryFolder folder;
  {
    const Environment file("NB_CLAIMS", folder / "claims.jsonl");
    const std::string bad = printed([] {
      nb::claim("a NaN is no answer", std::nan(""), nb::at_most(1));
      nb::refute("a NaN refutes nothing", std::nan(""), nb::at_most(1));
    });
    EXPECT_THAT(bad, HasSubstr("[FAILS] a NaN is no answer  (measured nan; claimed: at most 1)"));
    EXPECT_THAT(bad, HasSubstr("[FAILS] a NaN refutes nothing"));
  }
  EXPECT_EQ(printed([&] { EXPECT_EQ(nb::finish(), 1); }), "2 claims, 2 of them do not hold\n");
  const std::string lines = read_file(folder / "claims.jsonl");
  const json first = json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(first["holds"], false);
}

/// The bundle of the only display in a woven program's output.
json woven(const std::function<void()>& action) {
  const Environment weave("NB_WEAVE", "1");
  const std::string out = printed(action);
  const std::string begin =
      "\x1e"
      "display\x1f";
  EXPECT_THAT(out, StartsWith(begin));
  return json::parse(out.substr(begin.size(), out.size() - begin.size() - 1));
}

TEST(FiguresTest, HeatMapsNameTheirAxes) {
  const json bundle = woven([] {
    nb::show(torch::eye(3), {.title = "Heads & tails",
                             .rows = "Query",
                             .columns = "Key",
                             .row_labels = {"a", "<b>", "c"}});
  });
  const std::string svg = bundle.at("image/svg+xml");
  EXPECT_THAT(svg, StartsWith("<svg xmlns="));
  EXPECT_THAT(svg, HasSubstr("Heads &amp; tails"));
  EXPECT_THAT(svg, HasSubstr("Query"));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  EXPECT_EQ(bundle.at("text/plain"), "[heat map: Heads & tails, 3 x 3, 0 to 1]");
  const std::string five = woven([] { nb::show(torch::rand({5, 2, 2})); }).at("image/svg+xml");
  EXPECT_EQ(testing::occurrences(five, "class=\"matrix\""), 5U);
}

TEST(FiguresTest, WhatIsNotFiniteSpoilsNoHeatMap) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto masked = torch::tensor({{1.0, -infinity}, {3.0, std::nan("")}});
  const json bundle = woven([&] { nb::show(masked, {.title = "scores"}); });
  EXPECT_EQ(bundle.at("text/plain"), "[heat map: scores, 2 x 2, 1 to 3]");
  const std::string plain =
      woven([&] {
        nb::show(torch::tensor({{1.0, 1.0}, {3.0, 1.0}}), {.title = "scores"});
      }).at("image/svg+xml");
  EXPECT_EQ(bundle.at("image/svg+xml"), plain);
  EXPECT_NO_THROW(woven([&] { nb::show(torch::full({2, 2}, -infinity)); }));
}

TEST(FiguresTest, HalfACharacterIsReplaced) {
  const json bundle = woven([] { nb::table({"piece"}, {{"\xC3"}}); });
  EXPECT_THAT(bundle.at("text/html").get<std::string>(), HasSubstr("\xEF\xBF\xBD"));
}

TEST(FiguresTest, RefuseWhatCannotBeDrawn) {
  EXPECT_THROW(nb::show(torch::zeros({3})), std::invalid_argument);
  EXPECT_THROW(nb::show(torch::zeros({0, 3})), std::invalid_argument);
  EXPECT_THROW(nb::show(torch::zeros({2, 2}), {.row_labels = {"one"}}), std::invalid_argument);
  EXPECT_THROW(nb::plot({}), std::invalid_argument);
  EXPECT_THROW(nb::plot({{.label = "l", .x = {1, 2}, .y = {1}}}), std::invalid_argument);
  EXPECT_THROW(nb::plot({{.label = "l", .x = {1, 2}, .y = {1, 0}}}, {.log_y = true}),
               std::invalid_argument);
  EXPECT_THROW(nb::table({"a", "b"}, {{"1"}}), std::invalid_argument);
}

TEST(FiguresTest, PlotsHaveALegendAndTablesAreText) {
  const std::string svg = woven([] {
                            nb::plot({{.label = "LSTM", .x = {1, 2}, .y = {3, 4}},
                                      {.label = "RNN", .x = {1}, .y = {2}}},
                                     {.title = "Gradients", .x = "length", .y = "norm"});
                          }).at("image/svg+xml");
  EXPECT_THAT(svg, HasSubstr(">LSTM</text>"));
  EXPECT_THAT(svg, HasSubstr(">RNN</text>"));
  const json table = woven([] { nb::table({"name", "loss"}, {{"a<b", "1.5"}}); });
  EXPECT_EQ(
      table.at("text/html"),
      "<table><tr><th>name</th><th>loss</th></tr><tr><td>a&lt;b</td><td>1.5</td></tr></table>");
  EXPECT_EQ(table.at("text/plain"), "name  loss\na<b    1.5");
}

/// The size of a picture: of its root, or after `name` of a part of it.
std::pair<int, int> size_of(const std::string& svg, const std::string& name = "") {
  const std::string box = "viewBox=\"0 0 ";
  const size_t at = svg.find(box, name.empty() ? 0 : svg.find(name));
  int width = 0, height = 0;
  EXPECT_EQ(std::sscanf(svg.c_str() + at + box.size(), "%d %d", &width, &height), 2);
  return {width, height};
}

TEST(FiguresTest, SmallMatricesHaveSmallCellsAndTextOfOneSize) {
  const std::string two = woven([] { nb::show(torch::eye(2)); }).at("image/svg+xml");
  EXPECT_THAT(two, HasSubstr(R"(width="56" height="56")"));  // of the cells
  const std::string large = woven([] { nb::show(torch::eye(90)); }).at("image/svg+xml");
  EXPECT_THAT(large, HasSubstr(R"(width="360" height="360")"));
  // No part is scaled, so no text is.
  for (const std::string& svg : {two, large}) {
    const auto [width, height] = size_of(svg, "class=\"matrix\"");
    EXPECT_THAT(svg,
                HasSubstr(fmt::format(R"(width="{}" height="{}" class="matrix")", width, height)));
  }
}

TEST(FiguresTest, LongNamesOfLinesStartRowsOfTheirOwn) {
  const auto plot = [](const std::string& name) {
    return woven([&] {
             nb::plot({{.label = name, .x = {1, 2}, .y = {3, 4}},
                       {.label = name, .x = {1, 2}, .y = {3, 5}}});
           })
        .at("image/svg+xml");
  };
  const std::string together = plot("LSTM"), apart = plot(std::string(45, 'm'));
  EXPECT_EQ(testing::occurrences(together, "x=\"84\""), 1U);
  EXPECT_EQ(testing::occurrences(apart, "x=\"84\""), 2U);
  EXPECT_EQ(size_of(apart).second - size_of(together).second, 18);
}

TEST(FiguresTest, ColoursAreLiteralsAsNotEveryViewerKnowsVariables) {
  const std::string svg = woven([] {
                            nb::plot({{.label = "l", .x = {1, 2}, .y = {3, 4}}});
                          }).at("image/svg+xml");
  EXPECT_EQ(testing::occurrences(svg, "var("), 0U);
  EXPECT_EQ(testing::occurrences(svg, "--"), 0U);
  EXPECT_THAT(svg, HasSubstr("path.series { stroke: currentColor; }"));
  EXPECT_THAT(svg, HasSubstr(".s0 { color: #2c6bd6; }"));
}

TEST(FiguresTest, ProgramsWritePicturesWhereTheyAreAskedTo) {
  const testing::TemporaryFolder folder;
  const Environment pictures("NB_PICTURES", folder.path());
  EXPECT_THAT(printed([] { nb::show(torch::eye(2)); }), StartsWith("[heat map:"));
  EXPECT_THAT(read_file(folder / "01.svg"), StartsWith("<svg"));
}

TEST(SinkTest, ANotebookReceivesBundlesAndAFailedClaimEndsTheCell) {
  static std::string received;
  nb_set_sink([](const char* bundle, std::size_t size) { received.assign(bundle, size); });
  nb::picture({.width = 1, .height = 1, .rgb = {1, 2, 3}}, "a dot");
  EXPECT_THAT(json::parse(received).at("image/png").get<std::string>(), StartsWith("iVBOR"));
  ::testing::internal::CaptureStdout();
  EXPECT_THROW(nb::claim("no", false), nb::ClaimFailed);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("[FAILS] no"));
  nb_set_sink(nullptr);
}

}  // namespace
}  // namespace zoo
