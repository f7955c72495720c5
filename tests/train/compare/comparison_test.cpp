#include "train/compare/comparison.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"
#include "tests/train/compare/made_runs.h"
#include "train/compare/comparison_page.h"
#include "train/run/held_folder.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MadeRun;
using ::testing::Not;
using ::testing::ThrowsMessage;

class ComparisonTest : public ::testing::Test {
 protected:
  void make(const std::string& name, const MadeRun& run) { make_run(folder_ / name, run); }
  Comparison compare(const std::vector<std::string>& names, const std::string& metric = "") const {
    std::vector<std::string> folders;
    for (const auto& name : names) folders.push_back((folder_ / name).string());
    return compare_runs(read_runs(folders), metric);
  }
  std::string page(const Comparison& comparison) const {
    return comparison_page(comparison, folder_.path());
  }
  testing::TemporaryFolder folder_;
};

MadeRun run_of(const std::string& position, int seed, std::vector<double> losses) {
  return {.options = {{"layers", "2"},
                      {"position", "\"" + position + "\""},
                      {"max-steps", "20"},
                      {"seed", std::to_string(seed)}},
          .losses = std::move(losses)};
}

TEST_F(ComparisonTest, ShowsOnlyTheOptionsThatDiffer) {
  make("a", run_of("none", 1, {4, 3, 2}));
  make("b", run_of("rotary", 1, {4, 2, 1}));
  const auto comparison = compare({"a", "b"});
  EXPECT_THAT(comparison.differing, ElementsAre("position"));
  EXPECT_EQ(comparison.groups.size(), 2U);
  EXPECT_EQ(comparison.best_group, 1U);
  const auto table = comparison_table(comparison);
  EXPECT_THAT(table, AllOf(HasSubstr("rotary"), HasSubstr("* 1"), HasSubstr("1200"),
                           Not(HasSubstr("layers")), Not(HasSubstr("seed"))));
}

TEST_F(ComparisonTest, GroupsRunsThatDifferBySeedOnly) {
  make("a", run_of("none", 1, {4, 3, 2}));
  make("b", run_of("none", 2, {4, 3, 4}));
  make("c", run_of("rotary", 1, {4, 2, 1}));
  const auto comparison = compare({"a", "b", "c"});
  ASSERT_EQ(comparison.groups.size(), 2U);
  const RunGroup& group = comparison.groups[0];
  EXPECT_THAT(group.runs, ElementsAre(0U, 1U));
  EXPECT_DOUBLE_EQ(*group.last.mean, 3);
  EXPECT_DOUBLE_EQ(*group.last.deviation, std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(*group.best.mean, 2.5);  // 2 at update 20, 3 at update 10
  EXPECT_EQ(comparison.values[1].best_step, 10);
  EXPECT_FALSE(comparison.groups[1].last.deviation);
}

TEST_F(ComparisonTest, AFinishedRunAloneMakesTheMeanOfItsGroup) {
  make("a", run_of("none", 1, {4, 3, 2}));
  auto cut = run_of("none", 2, {4, 3.5});
  cut.info->finished = false;
  make("b", cut);
  const auto comparison = compare({"a", "b"});
  EXPECT_DOUBLE_EQ(*comparison.groups[0].last.mean, 2);
  EXPECT_EQ(state_of(comparison, comparison.groups[0]), "1 of 2 finished");
}

TEST_F(ComparisonTest, SaysHowFarARunCame) {
  auto cut = run_of("none", 1, {4, 3.5});
  cut.info->finished = false;
  make("a", cut);
  EXPECT_THAT(comparison_table(compare({"a"})), HasSubstr("cut short at 10/20"));
  const HeldFolder held(folder_ / "a");
  held.lock();
  EXPECT_THAT(comparison_table(compare({"a"})), HasSubstr("running, 10/20"));
}

TEST_F(ComparisonTest, ARunWithoutMetricsIsListed) {
  make("a", run_of("none", 1, {4, 3}));
  auto empty = run_of("rotary", 1, {});
  empty.info = {};
  make("b", empty);
  const auto comparison = compare({"a", "b"});
  EXPECT_THAT(comparison_table(comparison),
              AllOf(HasSubstr("no metrics"), HasSubstr("note: nothing measured yet: b")));
  EXPECT_THAT(page(comparison), HasSubstr("nothing measured yet: b"));
  EXPECT_THAT(page(compare({"b"})), HasSubstr("Nothing has been measured yet"));
}

TEST_F(ComparisonTest, ATornLastLineIsThatOfARunThatGoesOn) {
  make("a", run_of("none", 1, {4, 3}));
  const auto file = folder_ / "a" / "metrics.jsonl";
  write_file(file, read_file(file) + R"({"step": 20, "spl)");
  EXPECT_DOUBLE_EQ(*compare({"a"}).values[0].last, 3);
}

TEST_F(ComparisonTest, ADamagedFileIsOneLine) {
  make("a", run_of("none", 1, {4, 3}));
  write_file(folder_ / "a" / "run.json", "{");
  EXPECT_THAT([&] { compare({"a"}); }, ThrowsMessage<std::runtime_error>(
                                           AllOf(HasSubstr("run.json"), HasSubstr("damaged"))));
  make("b", run_of("none", 1, {4, 3}));
  write_file(folder_ / "b" / "run.toml", "layers =\n");
  EXPECT_THAT([&] { compare({"b"}); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("run.toml"), HasSubstr("line 1"))));
  make("c", run_of("none", 1, {4, 3}));
  write_file(folder_ / "c" / "metrics.jsonl", "{}\n{}\n");
  EXPECT_THAT([&] { compare({"c"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("metrics.jsonl line 1")));
}

TEST_F(ComparisonTest, HigherIsBetterForAccuracy) {
  for (const auto& [name, values] :
       {std::pair("a", std::vector{0.1, 0.5}), std::pair("b", std::vector{0.1, 0.7})}) {
    auto run = run_of(name, 1, values);
    run.metric = "accuracy";
    run.info = RunInfo{.metric = "accuracy", .higher_is_better = true, .finished = true};
    make(name, run);
  }
  const auto comparison = compare({"a", "b"});
  EXPECT_EQ(comparison.metric, "accuracy");
  EXPECT_EQ(comparison.best_group, 1U);
}

TEST_F(ComparisonTest, RunsOfDifferentMetricsAreComparedByTheUsualOne) {
  make("a", run_of("none", 1, {4, 3}));
  make("b", run_of("rotary", 1, {4, 2}));
  auto other = run_of("alibi", 1, {0.2, 0.9});
  other.metric = other.info->metric = "accuracy";
  make("c", other);
  const auto comparison = compare({"c", "a", "b"});
  EXPECT_EQ(comparison.metric, "loss");
  EXPECT_THAT(comparison_table(comparison),
              AllOf(HasSubstr("without loss: c"), HasSubstr("judged by accuracy and loss")));
  EXPECT_EQ(compare({"c", "a", "b"}, "accuracy").best_group, 0U);
}

TEST_F(ComparisonTest, AnUnknownMetricNamesTheKnownOnes) {
  make("a", run_of("none", 1, {4, 3}));
  EXPECT_THAT([&] { compare({"a"}, "bleu"); },
              ThrowsMessage<std::runtime_error>(
                  AllOf(HasSubstr("--metric bleu"), HasSubstr("loss"), HasSubstr("lr"))));
  EXPECT_EQ(compare({"a"}, "lr").split, "train");
}

TEST_F(ComparisonTest, AFolderOfRunsStandsForThem) {
  make("sweep/a", run_of("none", 1, {4, 3}));
  make("sweep/b", run_of("rotary", 1, {4, 3}));
  write_file(folder_ / "sweep" / "a.log", "");
  EXPECT_EQ(compare({"sweep", "sweep/a"}).runs.size(), 2U);  // once each
  EXPECT_THAT([&] { compare({"nowhere"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("no folder")));
  std::filesystem::create_directories(folder_ / "nothing");
  EXPECT_THAT([&] { compare({"nothing"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("holds no run")));
}

TEST_F(ComparisonTest, NumbersInNamesAreSortedAsNumbers) {
  for (const char* name : {"d-model=16", "d-model=4", "d-model=4,b"})
    make(fmt::format("sizes/{}", name), run_of(name, 1, {4, 3}));
  const auto comparison = compare({"sizes"});
  EXPECT_EQ(comparison.runs[0].name, "d-model=4");
  EXPECT_EQ(comparison.runs[1].name, "d-model=4,b");
  EXPECT_EQ(comparison.runs[2].name, "d-model=16");
}

TEST_F(ComparisonTest, RunsOfOneNameAreToldApartByTheirFolders) {
  make("x/run", run_of("none", 1, {4, 3}));
  make("y/run", run_of("none", 1, {4, 3}));
  const auto comparison = compare({"x/run", "y/run"});
  EXPECT_EQ(comparison.runs[0].name, "x/run");
  EXPECT_EQ(comparison.runs[1].name, "y/run");
}

TEST_F(ComparisonTest, ReadsRunsOfOlderVersions) {
  auto old = run_of("none", 1, {4, 3, 2});
  old.info = {};
  make("a", old);
  write_file(folder_ / "a" / "report.html",
             "<b>2</b><span>best validation loss, after 20 updates</span>"
             "<b>0.80 M</b><span>parameters</span>");
  const auto comparison = compare({"a"});
  EXPECT_EQ(comparison.runs[0].state, RunState::kFinished);
  EXPECT_DOUBLE_EQ(*comparison.runs[0].parameters, 0.8e6);
  EXPECT_THAT(page(comparison), HasSubstr("a/report.html"));
}

TEST_F(ComparisonTest, NotesThatTokensAreNoCommonMeasure) {
  for (const char* kind : {"character", "byte-bpe"}) {
    auto run = run_of("none", 1, {4, 3});
    run.options["tokenizer"] = fmt::format("\"{}\"", kind);
    make(kind, run);
  }
  EXPECT_THAT(comparison_table(compare({"character", "byte-bpe"})),
              HasSubstr("different tokenizers"));
}

TEST_F(ComparisonTest, ThePageIsWholeAndEscaped) {
  make("a", run_of("<b>none</b>", 1, {4, 3, 2}));
  make("b", run_of("rotary", 1, {4, 2, 1}));
  const auto html = page(compare({"a", "b"}));
  EXPECT_THAT(html,
              AllOf(HasSubstr("position=rotary"), HasSubstr("&lt;b&gt;none"),
                    HasSubstr("Loss, validation"), HasSubstr("Loss, training"),
                    Not(HasSubstr("<b>none")), Not(HasSubstr("https:")), Not(HasSubstr("http:"))));
}

TEST_F(ComparisonTest, LossesOverDecadesGetALogarithmicAxis) {
  make("a", run_of("none", 1, {4, 0.1, 0.001}));
  make("b", run_of("rotary", 1, {4, 2, 1}));
  EXPECT_THAT(page(compare({"a", "b"})), HasSubstr(">0.001<"));
}

TEST_F(ComparisonTest, MoreCurvesThanColoursAreTheBest) {
  for (int n = 0; n < 20; ++n)
    make(fmt::format("run{}", n), run_of(fmt::format("kind{}", n), 1, {40, 1.0 + n}));
  const auto html = page(compare({"."}));
  EXPECT_THAT(html, AllOf(HasSubstr("position=kind15<"), Not(HasSubstr("position=kind16<")),
                          HasSubstr("<td>kind19</td>"), HasSubstr("the best 16 of 20")));
}

TEST_F(ComparisonTest, JsonHasEveryRunWithItsGroup) {
  make("a", run_of("none", 1, {4, 3, 2}));
  make("b", run_of("none", 2, {4, 3, 4}));
  const auto json = nlohmann::json::parse(comparison_json(compare({"a", "b"})));
  ASSERT_EQ(json["groups"].size(), 1U);
  EXPECT_EQ(json["metric"], "loss");
  EXPECT_EQ(json["groups"][0]["runs"].size(), 2U);
  EXPECT_EQ(json["groups"][0]["parameters"], 1200);
  EXPECT_DOUBLE_EQ(json["groups"][0]["last_mean"].get<double>(), 3);
}

}  // namespace
}  // namespace zoo
