// run.json: reads back, and reads what older versions wrote.
#include "train/run/run_info.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

TEST(RunInfoTest, ReadsBack) {
  const testing::TemporaryFolder folder;
  EXPECT_FALSE(read_run_info(folder / "."));
  write_run_info(folder / ".", {.program = "train_gpt",
                                .chance = 4.5,
                                .parameters = 7,
                                .finished = true,
                                .recipe = "gpt-shakespeare-cpu",
                                .started = time_now()});
  const auto info = read_run_info(folder / ".");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->program, "train_gpt");
  EXPECT_EQ(info->chance, 4.5);
  EXPECT_EQ(info->recipe, "gpt-shakespeare-cpu");
  EXPECT_THAT(info->started, ::testing::HasSubstr(" 20"));  // the year
  EXPECT_THAT(info->started, ::testing::HasSubstr(":"));
}

TEST(RunInfoTest, ReadsWhatKnewNoRecipe) {
  const testing::TemporaryFolder folder;
  write_file(
      folder / "run.json",
      R"({"program": "train_gpt", "metric": "loss", "higher_is_better": false, "parameters": 1,
                 "finished": true})");
  EXPECT_EQ(read_run_info(folder / ".")->recipe, "");
  write_file(folder / "run.json", "{");
  EXPECT_THAT([&] { read_run_info(folder / "."); },
              ::testing::ThrowsMessage<std::runtime_error>(::testing::HasSubstr("is damaged")));
}

}  // namespace
}  // namespace zoo
