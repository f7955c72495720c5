// report.html: what it shows, and that nothing in a run can break or extend the page.
#include "train/run/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

ReportInput short_run() {
  ReportInput input;
  input.title = "gpt-shakespeare-cpu";
  input.metrics = {{0, "val", {{"loss", 4.2}, {"perplexity", 66.7}}},
                   {1, "train", {{"loss", 4.1}, {"lr", 1e-5}, {"tokens_per_s", 30000}}},
                   {2, "train", {{"loss", 3.9}, {"lr", 2e-5}, {"tokens_per_s", 31000}}},
                   {2, "val", {{"loss", 3.8}, {"perplexity", 44.7}, {"elapsed_s", 75}}}};
  return input;
}

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// Tags must close in the order in which they opened.
void expect_balanced(std::string_view html) {
  std::vector<std::string> open;
  for (size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const size_t end = html.find('>', at);
    ASSERT_NE(end, std::string_view::npos);
    const std::string_view tag = html.substr(at + 1, end - at - 1);
    const std::string name(tag.substr(0, tag.find_first_of(" />", 1)));
    if (tag.starts_with('!') || tag.ends_with('/') || name == "meta" || name == "input") continue;
    if (!tag.starts_with('/')) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << tag;
    ASSERT_EQ("/" + open.back(), tag);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
}

TEST(ReportTest, ShowsCurvesVerdictAndNumbers) {
  ReportInput input = short_run();
  input.verdict = {Outcome::kReached, "val loss 3.8: as the recipe expects"};
  input.chance_level = 4.1744;
  input.expected_band = {{-kInfinity, 3.9}};
  input.facts = {{"parameters", "0.80 M"}};
  const std::string html = render_report(input);
  expect_balanced(html);
  for (const char* text :
       {"<title>gpt-shakespeare-cpu</title>", "verdict reached", "as the recipe expects",
        "chance 4.174", "expected at most 3.9", "loss (nats)", "tokens per second", "learning rate",
        "0.80 M", "last validation loss", "1m 15s", "<td>44.7</td>"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST(ReportTest, VerdictsThatAreNotGoodAreMarked) {
  ReportInput input = short_run();
  for (const Outcome outcome : {Outcome::kMissed, Outcome::kChance}) {
    input.verdict = {outcome, "not what the recipe expects"};
    EXPECT_THAT(render_report(input), HasSubstr("class=\"verdict missed\""));
  }
  input.verdict = {Outcome::kUnknown, "stopped before the end"};
  EXPECT_THAT(render_report(input), HasSubstr("class=\"verdict \""));
}

TEST(ReportTest, NothingIsLoadedFromElsewhereAndNothingRuns) {
  ReportInput input = short_run();
  input.samples = {{1, "see https://example.org/a.png"}};
  const std::string html = render_report(input);
  for (const char* part : {"<script", "<link", "<img", "src=", "href=", "@import", "url(http"}) {
    EXPECT_THAT(html, Not(HasSubstr(part)));
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(ReportTest, HostileTextStaysText) {
  const std::string evil = "</pre><script>alert('x')</script>\"><img src=x onerror=\"y\">&amp;";
  ReportInput input = short_run();
  input.title = evil;
  input.config_text = "# " + evil + "\n" + evil + " = " + evil + "\n";
  input.samples = {{1, evil}};
  input.metric = evil;
  input.metrics[1].values.emplace_back(evil, 1);
  input.metrics[3].values.emplace_back(evil, 1);
  input.verdict.sentence = evil;
  input.facts = {{evil, evil}};
  const std::string html = render_report(input);
  expect_balanced(html);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, HasSubstr("&lt;/pre&gt;&lt;script&gt;alert(&#39;x&#39;)"));
}

TEST(ReportTest, AnEmptyRunHasAReport) {
  const std::string html = render_report({});
  expect_balanced(html);
  EXPECT_THAT(html, HasSubstr("Nothing has been measured yet."));
  EXPECT_THAT(html, Not(HasSubstr("<svg")));
}

TEST(ReportTest, OnePointAndNaNAreShownWithoutBreakingThePicture) {
  ReportInput input;
  input.metrics = {{1, "train", {{"loss", NAN}, {"grad_norm", kInfinity}}}};
  std::string html = render_report(input);
  expect_balanced(html);
  EXPECT_THAT(html, Not(HasSubstr("d=\"Mnan")));
  input.metrics = {{1, "train", {{"loss", 4.2}}}};
  html = render_report(input);
  expect_balanced(html);
  EXPECT_THAT(html, HasSubstr("<circle class=\"train dot\""));
}

TEST(ReportTest, TheBestValueIsTheHighestWhereMoreIsBetter) {
  ReportInput input;
  input.metric = "accuracy";
  input.higher_is_better = true;
  input.chance_level = 0.1;
  input.metrics = {{1, "val", {{"loss", 1}, {"accuracy", 0.25}}},
                   {2, "val", {{"loss", 1}, {"accuracy", 0.75}}},
                   {3, "val", {{"loss", 1}, {"accuracy", NAN}}},
                   {4, "val", {{"loss", 1}, {"accuracy", 0.5}}}};
  EXPECT_THAT(render_report(input),
              HasSubstr("<b>0.75</b><span>best validation accuracy, after 2 updates"));
  input.higher_is_better = false;
  EXPECT_THAT(render_report(input), HasSubstr("<b>0.25</b>"));
}

TEST(ReportTest, TheConfigurationIsATableAndARecipe) {
  ReportInput input;
  input.config_text = "# Model\nlayers = 4\nname = \"a = b\"\n\n# Data\ndata = \"x.txt\"\n";
  const std::string html = render_report(input);
  expect_balanced(html);
  EXPECT_THAT(html, HasSubstr("<h3>Model</h3>"));
  EXPECT_THAT(html, HasSubstr("<code>name</code></th><td><code>&quot;a = b&quot;</code>"));
  EXPECT_THAT(html, HasSubstr("# Data\ndata = &quot;x.txt&quot;\n</pre>"));
  for (const char* text : {"layers 4 heads", "# A\n# B\nx = 1\n", "x = 1", "# only", "\n"}) {
    input.config_text = text;
    expect_balanced(render_report(input));
  }
}

TEST(ReportTest, MeasuresStandInTheOrderOfTheirNumbersAndHaveWords) {
  ReportInput input;
  input.metrics = {{1, "train", {{"grad_norm", 1}, {"loss", 1}}},
                   {1,
                    "val",
                    {{"elapsed_s", 1},
                     {"recall_at_1", 0.1},
                     {"recall_at_10", 0.3},
                     {"recall_at_5", 0.2},
                     {"some_score", 0.5}}}};
  const std::string html = render_report(input);
  size_t last = 0;
  for (const char* heading :
       {"<h3>Loss</h3>", "<h3>Recall at 1</h3>", "<h3>Recall at 5</h3>", "<h3>Recall at 10</h3>",
        "<h3>Some score</h3>", "<h3>Gradient norm</h3>",
        "<th>Recall at 5</th><th>Recall at 10</th>", "<th>Time</th>"}) {
    const size_t at = html.find(heading, last);
    ASSERT_NE(at, std::string::npos) << heading;
    last = at;
  }
}

TEST(ReportTest, TheVerdictNamesItsMetricInWords) {
  ReportInput input;
  input.metric = "zero_shot_accuracy";
  input.verdict.sentence = "val zero_shot_accuracy 0.5 (best, step 2): as the recipe expects";
  EXPECT_THAT(render_report(input), HasSubstr(">val zero-shot accuracy 0.5 (best, step 2): as"));
}

TEST(ReportTest, TellsWhatItIsAbout) {
  ReportInput input = short_run();
  EXPECT_THAT(render_report(input), Not(HasSubstr("class=\"about\"")));
  input.about = "train_gpt, <recipe>";
  EXPECT_THAT(render_report(input), HasSubstr("<p class=\"about\">train_gpt, &lt;recipe&gt;</p>"));
}

TEST(ReportTest, ASampleInColumnsScrollsAndRunningTextWraps) {
  ReportInput input;
  input.samples = {{1, "class   right\n0        10 %\n1        20 %\n"},
                   {2, "to be\n  or not\nto be\n"}};
  const std::string html = render_report(input);
  expect_balanced(html);
  EXPECT_THAT(html, HasSubstr("<div class=\"scroll\"><pre class=\"aligned\">class"));
  EXPECT_THAT(html, HasSubstr("<pre>to be"));
}

TEST(ReportTest, SamplesAreShownOverTime) {
  ReportInput input;
  for (int64_t step : {0, 500, 1000})
    input.samples.push_back({step, "text " + std::to_string(step)});
  const std::string html = render_report(input);
  EXPECT_EQ(count(html, "<details class=\"card\""), 3u);
  EXPECT_EQ(count(html, "<details class=\"card\" open"), 2u);
  EXPECT_LT(html.find("text 0"), html.find("text 1000"));
}

}  // namespace
}  // namespace zoo
