// The program `fill_mask`: bad input in one line. Its values are compared in tests/interop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/programs/run_program.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

std::string refusal(const std::vector<std::string>& arguments, int exit_code) {
  const auto result = run_program("fill_mask", arguments);
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  return result.err;
}

TEST(FillMaskTest, RefusesBadInputInOneLine) {
  const std::string golden = "tests/golden/bert/BertForPreTraining";
  EXPECT_THAT(refusal({"text"}, 2), HasSubstr("--model"));
  EXPECT_THAT(refusal({"--model", golden, "--top", "0", "text"}, 2), HasSubstr("--top"));
  EXPECT_THAT(refusal({"--model", "tests/golden/absent", "text"}, 1),
              HasSubstr("there is no folder"));
  EXPECT_THAT(refusal({"--model", golden, "text"}, 1), HasSubstr(golden));  // without tokenizer
  EXPECT_THAT(refusal({"--model", "tests/golden/gpt2", "text"}, 1),
              HasSubstr("a checkpoint of another family"));
}

}  // namespace
}  // namespace zoo
