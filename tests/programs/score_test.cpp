// The program `score`: what it prints, and one line for files that cannot be scored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using ::testing::StartsWith;

class ScoreTest : public ::testing::Test {
 protected:
  ProgramResult score(const std::string& hypotheses, const std::string& references,
                      std::vector<std::string> more = {}) const {
    write_file(folder / "hypotheses", hypotheses);
    write_file(folder / "references", references);
    more.insert(more.begin(), {"--file", (folder / "hypotheses").string(), "--references",
                               (folder / "references").string()});
    return run_program("score", more);
  }
  static std::string complaint(const ProgramResult& result, int code = 1) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("score: "));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    return result.err;
  }
  testing::TemporaryFolder folder;
};

TEST_F(ScoreTest, TheSameTextHasTheFullScoreWhateverTheMetric) {
  const std::string text = "a text of five words\nand one more of them\n";
  for (const std::string metric : {"bleu", "chrf", "chrf++", "ter"}) {
    const auto result = score(text, text, {"--metric", metric, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto object = nlohmann::json::parse(result.out);
    EXPECT_EQ(object.at("score"), metric == "ter" ? 0.0 : 100.0) << metric;
    EXPECT_THAT(object.at("signature"), HasSubstr("version:2.6.0"));
    EXPECT_EQ(object.at("nrefs"), "1");
  }
  EXPECT_THAT(score(text, text).out, StartsWith("BLEU|nrefs:1"));
}

TEST_F(ScoreTest, TheBestOfSeveralReferencesCounts) {
  write_file(folder / "second", "the very same five words\n");
  const auto result = score("the very same five words\n", "nothing like it\n",
                            {"--references", (folder / "second").string(), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("score"), 100.0);
}

TEST_F(ScoreTest, EverySentenceHasALineAndItsOwnScore) {
  const auto result =
      score("a b c d\ne\n", "a b c d\nf\n", {"--sentence-level", "--score-only", "--width", "0"});
  EXPECT_EQ(result.out, "100\n0\n") << result.err;
}

TEST_F(ScoreTest, SaysWhichFlagsHaveNoEffect) {
  EXPECT_THAT(score("a\n", "a\n", {"--beta", "3"}).err, HasSubstr("--chrf-beta has no effect"));
  EXPECT_THAT(score("a\n", "a\n", {"--smooth-value", "3"}).err,
              HasSubstr("--smooth-value has no effect"));
  EXPECT_EQ(score("a\n", "a\n", {"--smooth-value", "3", "--smooth-method", "floor"}).err, "");
}

TEST_F(ScoreTest, ALineNeedsAReference) {
  EXPECT_THAT(complaint(score("a\nb\n", "a\n\n", {"--skip-empty-references"})),
              HasSubstr("line 2 has no reference"));
}

TEST_F(ScoreTest, LineEndsAndALastLineWithoutOneDoNotMatter) {
  const std::string plain = score("one two three four\nfive\n", "one two three four\nsix\n").out;
  EXPECT_EQ(score("one two three four\r\nfive", "one two three four\nsix\r\n").out, plain);
}

TEST_F(ScoreTest, EmptyLinesAreTextsThatScoreNothing) {
  const auto result = score("\n\n", "one\ntwo\n", {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("score"), 0.0);
}

TEST_F(ScoreTest, RefusesFilesThatCannotBeScored) {
  EXPECT_THAT(complaint(score("one\ntwo\n", "one\n")),
              HasSubstr("references has 1 lines, but " + (folder / "hypotheses").string() +
                        " has 2: line i of one file must belong to line i of the other"));
  EXPECT_THAT(complaint(score("", "one\n")), HasSubstr("hypotheses: the file has no line"));
  EXPECT_THAT(complaint(score("one\n", "")), HasSubstr("references: the file has no line"));
  EXPECT_THAT(complaint(score("one\ntw\xFFo\n", "one\ntwo\n")),
              HasSubstr("hypotheses:2: the line is not UTF-8"));
  EXPECT_THAT(complaint(score("one\n", "\xC3\n")),
              HasSubstr("references:1: the line is not UTF-8"));
  EXPECT_THAT(complaint(score("one\n", "\xED\xA0\x80\n")), HasSubstr("not UTF-8"));  // a surrogate
  const auto absent = (folder / "absent").string();
  EXPECT_THAT(complaint(run_program("score", {"--file", absent, "--references", absent})),
              HasSubstr("No such file"));
  const auto path = folder.path().string();
  complaint(run_program("score", {"--file", path, "--references", path}));
}

TEST_F(ScoreTest, RefusesOptionsThatMeanNothing) {
  EXPECT_THAT(complaint(score("a\n", "a\n", {"--metric", "meteor"}), 2), HasSubstr("--metric"));
  EXPECT_THAT(complaint(score("a\n", "a\n", {"--width", "18"}), 2), HasSubstr("--width must be"));
  EXPECT_THAT(complaint(score("a\n", "a\n", {"--smooth-value", "-1"}), 2),
              HasSubstr("--smooth-value must not be negative"));
  EXPECT_THAT(complaint(run_program("score", {"--file", "x"}), 2), HasSubstr("--references"));
}

}  // namespace
}  // namespace zoo
