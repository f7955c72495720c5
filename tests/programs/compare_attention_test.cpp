// The program `compare_attention`: its JSON, its page, and wrong usage in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(CompareAttentionTest, PrintsOneJsonObjectAndNothingElse) {
  const auto result = run_program(
      "compare_attention", {"--shapes", "1x2x20x8", "--kernels", "flash,torch", "--mask", "causal",
                            "--seconds", "0.01", "--threads", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["machine"]["threads"], 1);
  ASSERT_EQ(json["results"].size(), 4u);
  EXPECT_EQ(json["results"][0]["pass"], "forward");
  EXPECT_EQ(json["results"][3]["pass"], "forward+backward");
  EXPECT_EQ(json["results"][3]["kernel"], "torch");
}

TEST(CompareAttentionTest, ListsTheKernels) {
  const auto result = run_program("compare_attention", {"--list"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"loops", "matmul", "blocked", "online", "flash", "torch"})
    EXPECT_THAT(result.out, HasSubstr(name));
}

TEST(CompareAttentionTest, WrongUsageIsOneLine) {
  const std::vector<std::vector<std::string>> wrong = {{"--kernels", "flesh"},
                                                       {"--shapes", "1x2"},
                                                       {"--mask", "some"},
                                                       {"--dtype", "int8"},
                                                       {"--seconds", "0"},
                                                       {"--threads", "-1"},
                                                       {"--pass", "back"},
                                                       {"--simd", "abacus"},
                                                       {"--seconds", "inf"},
                                                       {"--device", "abacus"},
                                                       {"--shapes", ""},
                                                       {"--shapes", "1x3x8x8x8x2"},
                                                       {"--mixers", ""},
                                                       {"--mixers", "none"},
                                                       {"--lengths", "64,128"},
                                                       {"--kernels", "flash", "--mixers", "all"},
                                                       {"--pass", "forward", "--mixers", "all"}};
  for (const auto& arguments : wrong) {
    SCOPED_TRACE(arguments[0] + " " + arguments[1]);
    const auto result = run_program("compare_attention", arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(arguments[0]));
  }
}

TEST(CompareAttentionTest, APageThatCannotBeWrittenIsToldAtOnce) {
  const auto result = run_program("compare_attention", {"--page", "/nonexistent/page.html"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("cannot write /nonexistent/page.html"));
}

}  // namespace
}  // namespace zoo
