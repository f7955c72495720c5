// Confusion matrices as table and as picture.
#include "train/run/confusion.h"

#include <gmock/gmock.h>

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ConfusionTest, TheTableNamesWhatAClassIsTakenFor) {
  const auto table = confusion_table({{"cat", "dog", "cow"}, {8, 2, 0, 0, 5, 0, 1, 2, 1}});
  EXPECT_THAT(table, HasSubstr("cat                            10   80.00%  dog (2)\n"));
  EXPECT_THAT(table, HasSubstr("dog                             5  100.00%\n"));
  EXPECT_THAT(table, HasSubstr("cow                             4   25.00%  dog (2)\n"));
}

TEST(ConfusionTest, OfManyClassesTheWorstAreListed) {
  ConfusionMatrix matrix;
  for (int k = 0; k < 50; ++k) matrix.class_names.push_back("k" + std::to_string(k));
  matrix.counts.assign(2500, 0);
  for (size_t k = 0; k < 50; ++k) matrix.counts[k * 50 + k] = 1;
  matrix.counts[49 * 50 + 1] = 1;  // the last one is wrong half of the time
  const auto table = confusion_table(matrix);
  EXPECT_THAT(table, HasSubstr("k49 "));
  EXPECT_THAT(table, Not(HasSubstr("k48 ")));
  EXPECT_THAT(table, HasSubstr("10 more classes"));
}

TEST(ConfusionTest, ThePictureNamesClassesAndNothingThatBreaksAPage) {
  const auto svg = confusion_html({{"<b>", "\xff"}, {1, 0, 0, 0}});
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, Not(HasSubstr("\xff")));
  EXPECT_THAT(svg, HasSubstr("data:image/png;base64,"));
}

}  // namespace
}  // namespace zoo
