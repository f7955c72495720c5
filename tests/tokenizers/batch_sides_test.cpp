#include "tokenizers/batch_sides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

TEST(BatchSidesTest, TheConfigGoesBeforeTheTokenizerFile) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(batch_sides(folder.path()).padding, Side::kRight);
  EXPECT_EQ(batch_sides(folder.path()).truncation, Side::kRight);
  write_file(folder.path() / "tokenizer.json",
             R"({"padding": {"direction": "Left"}, "truncation": {"direction": "Left"}})");
  EXPECT_EQ(batch_sides(folder.path()).padding, Side::kLeft);
  EXPECT_EQ(batch_sides(folder.path()).truncation, Side::kLeft);
  write_file(folder.path() / "tokenizer_config.json", R"({"padding_side": "right"})");
  EXPECT_EQ(batch_sides(folder.path()).padding, Side::kRight);
  EXPECT_EQ(batch_sides(folder.path()).truncation, Side::kLeft);
}

TEST(BatchSidesTest, AnUnknownSideIsAnError) {
  const testing::TemporaryFolder folder;
  write_file(folder.path() / "tokenizer_config.json", R"({"truncation_side": "middle"})");
  EXPECT_THAT([&] { batch_sides(folder.path()); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  ::testing::HasSubstr("truncation_side must be \"left\" or \"right\"")));
}

}  // namespace
}  // namespace zoo
