// Similarity of embeddings, and a result as text, picture, page and files.
#include "infer/analysis/look_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "infer/analysis/embedding_similarity.h"
#include "models/positions/position_options.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LookTable two_by_three() {
  return {.name = "table",
          .title = "A table",
          .row_axis = "row",
          .column_axis = "column",
          .rows = {"<a>", "b"},
          .columns = {"x", "y", "z"},
          .values = torch::tensor({{0.0, 0.5, 1.0}, {0.25, 0.0, 0.75}}, torch::kDouble)};
}

TEST(EmbeddingSimilarityTest, CosinesOfVectorsAreThoseOfTheirAngles) {
  const auto cosine =
      cosine_similarity(torch::tensor({{2.0, 0.0}, {1.0, 1.0}, {0.0, -3.0}, {0.0, 0.0}}));
  EXPECT_NEAR(cosine[0][1].item<double>(), std::sqrt(0.5), 1e-7);
  EXPECT_NEAR(cosine[0][2].item<double>(), 0, 1e-9);
  EXPECT_NEAR(cosine[1][2].item<double>(), -std::sqrt(0.5), 1e-7);
  EXPECT_EQ(cosine[3].abs().max().item<double>(), 0);
}

TEST(EmbeddingSimilarityTest, SinusoidsAreAlikeByTheirDistanceAloneAndRotationsAddNothing) {
  const auto scheme = [](PositionKind kind) {
    PositionOptions o;
    o.position = kind;
    return make_position(o, {.positions = 12, .embedding_width = 16, .heads = 2, .head_width = 8});
  };
  const auto like = torch::zeros({1});
  const auto cosine =
      cosine_similarity(position_vectors(*scheme(PositionKind::kSinusoidal), 12, 16, like));
  for (const int64_t distance : {1, 4}) {
    const auto diagonal = cosine.diagonal(distance);
    EXPECT_TRUE(diagonal.allclose(diagonal[0].expand_as(diagonal), 1e-5, 1e-6)) << distance;
  }
  EXPECT_GT(cosine[0][1].item<double>(), cosine[0][4].item<double>());
  EXPECT_FALSE(position_vectors(*scheme(PositionKind::kRotary), 12, 16, like).defined());
}

TEST(LookResultTest, ATableReadsTheSameAsTextAndAsAPage) {
  LookResult result{
      .name = "look", .title = "Look", .answer = "Yes & no.", .tables = {two_by_three()}};
  const std::string text = look_text(result);
  EXPECT_THAT(text, HasSubstr("row \\ column     x     y     z\n<a>           0.00  0.50  1.00\n"));
  const std::string page = look_page(result);
  EXPECT_THAT(page, HasSubstr("Yes &amp; no."));
  EXPECT_THAT(page, HasSubstr("title=\"&lt;a&gt; / y: 0.5\">0.50</td>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  result.tables[0].cells = {{"one", "two", "three"}, {"4", "5", "6"}};
  result.tables[0].hints = result.tables[0].cells;
  EXPECT_THAT(look_text(result), HasSubstr("one  two  three\n"));
  EXPECT_THAT(look_page(result), HasSubstr("title=\"three\">three</td>"));
  result.tables[0].as_text = false;
  EXPECT_EQ(look_text(result), "Yes & no.\n");
}

TEST(LookResultTest, CellsOfAPictureHaveTheirColoursAndBrightOnesDarkTexts) {
  auto table = two_by_three();
  table.cells = {{"", "", ""}, {"", "", ""}};
  const Image image = draw_table(table);
  const auto at = [&](int x, int y) {
    return image.rgb[(static_cast<size_t>(y) * static_cast<size_t>(image.width) + x) * 3];
  };
  // The last cell of the first row is the brightest: its lower right corner.
  const int height = 13, bottom = image.height - 8 - height - 2;
  EXPECT_GT(at(image.width - 8 - 3, bottom), 240);
  EXPECT_LT(at(image.width - 8 - 2 * 12 - 3, bottom), 20);
}

TEST(LookResultTest, WritesItsOwnFilesAndNoneInOtherFolders) {
  const testing::TemporaryFolder folder;
  const LookResult result{
      .name = "look", .title = "Look", .tables = {two_by_three()}, .json = {{"token", "\xFF"}}};
  const auto files = write_look(folder / "out", result);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[2].filename(), "table.png");
  EXPECT_EQ(nlohmann::json::parse(read_file(files[1]))["token"], "\uFFFD");
  write_look(folder / "out", result);  // an earlier look is replaced
  write_file(folder / "out" / "letter.txt", "dear");
  EXPECT_THAT([&] { write_look(folder / "out", result); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("holds 'letter.txt'")));
}

}  // namespace
}  // namespace zoo
