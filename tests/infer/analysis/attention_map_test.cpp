#include "infer/analysis/attention_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "tests/infer/tiny_models.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AttentionMapTest, EveryHeadsRowsSumToOneAndSeeNoFuture) {
  auto options = testing::tiny_options(PositionKind::kRotary, 2);
  options.attention = "matmul";
  auto model = testing::tiny_gpt(options);
  const auto layers = attention_weights(model, {1, 2, 3, 4, 5});
  ASSERT_EQ(layers.size(), 2U);
  for (const auto& weights : layers) {
    EXPECT_EQ(weights.sizes(), (std::vector<int64_t>{4, 5, 5}));
    EXPECT_TRUE(weights.sum(-1).allclose(torch::ones({4, 5})));
    EXPECT_EQ(weights.triu(1).abs().max().item<float>(), 0);
  }
}

TEST(AttentionMapTest, AKernelThatFormsNoWeightsLeavesThemToMatmul) {
  auto options = testing::tiny_options();
  auto model = testing::tiny_gpt(options);  // with kernel "torch"
  options.attention = "matmul";
  auto same = testing::tiny_gpt(options);
  const auto ours = attention_weights(model, {1, 2, 3}),
             wanted = attention_weights(same, {1, 2, 3});
  for (size_t n = 0; n < wanted.size(); ++n) EXPECT_TRUE(ours[n].allclose(wanted[n])) << n;
}

TEST(AttentionMapTest, RefusesTokensOutsideTheVocabulary) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  EXPECT_THAT(
      [&] {
        attention_weights(model, {1, 29});
      },
      ::testing::ThrowsMessage<c10::Error>(HasSubstr("token id 29")));
}

TEST(AttentionMapTest, SummaryOfAHeadThatSeesAllTokensAlike) {
  auto uniform = torch::ones({4, 4}).tril();
  uniform = uniform / uniform.sum(-1, true);
  const HeadSummary s = summarise_head(uniform);
  EXPECT_NEAR(s.entropy, s.most_entropy, 1e-6);
  EXPECT_NEAR(s.most_entropy, (1 + std::log2(3) + 2) / 3, 1e-6);  // of 2, 3 and 4 tokens
  EXPECT_NEAR(s.to_self, (1.0 / 2 + 1.0 / 3 + 1.0 / 4) / 3, 1e-6);
}

TEST(AttentionMapTest, SummaryOfAHeadThatLooksAtThePreviousToken) {
  auto previous = torch::zeros({4, 4});
  previous[0][0] = 1;
  for (int64_t t = 1; t < 4; ++t) previous[t][t - 1] = 1;
  const HeadSummary s = summarise_head(previous);
  EXPECT_EQ(s.entropy, 0);
  EXPECT_EQ(s.to_previous, 1);
  EXPECT_EQ(s.to_self, 0);
  EXPECT_NEAR(s.to_first, 1.0 / 3, 1e-6);  // the second token's previous is the first
}

TEST(AttentionMapTest, ThePictureIsBrightWhereTheWeightIsAndPaleInTheFuture) {
  const auto picture = draw_head(torch::eye(3), 2);
  EXPECT_EQ(picture.width, 6);
  const auto pixel = [&](int row, int column) {
    const size_t at = (static_cast<size_t>(row) * 2 * 6 + static_cast<size_t>(column) * 2) * 3;
    return std::vector<int>{picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]};
  };
  EXPECT_EQ(pixel(0, 2), (std::vector<int>{222, 225, 231}));
  EXPECT_GT(pixel(1, 1)[0], 200);
  EXPECT_LT(pixel(2, 0)[0], 50);
}

TEST(AttentionMapTest, WritesAPageAndPicturesThatStandAlone) {
  const testing::TemporaryFolder folder;
  const std::vector<torch::Tensor> layers = {torch::eye(2).repeat({3, 1, 1}),
                                             torch::eye(2).repeat({3, 1, 1})};
  const auto page = attention_page("Heads", {"<b>", "&"}, layers);
  const auto paths = write_attention_map(folder / "new" / "map", page, layers);
  EXPECT_EQ(paths.size(), 1 + 2 * (1 + 3U));
  for (const auto& path : paths) EXPECT_GT(read_file(path).size(), 50U) << path;
  const auto html = read_file(paths[0]);
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<b>\"")));
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
  EXPECT_THAT(html, HasSubstr("layer-1-head-2"));
}

TEST(AttentionMapTest, SaysWhereItCannotWrite) {
  const testing::TemporaryFolder folder;
  write_file(folder / "file", "x");
  EXPECT_THAT(
      [&] { write_attention_map(folder / "file" / "map", "page", {torch::eye(2).unsqueeze(0)}); },
      ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("cannot write")));
}

TEST(AttentionMapTest, WritesIntoNoFolderThatIsNotItsOwn) {
  const testing::TemporaryFolder folder;
  const std::vector<torch::Tensor> layers = {torch::eye(2).unsqueeze(0)};
  std::filesystem::create_directory(folder / "mine");
  write_file(folder / "mine" / "letter.txt", "dear");
  for (const std::filesystem::path& out : {folder / "mine", std::filesystem::path("/")}) {
    EXPECT_THAT([&] { write_attention_map(out, "page", layers); },
                ::testing::ThrowsMessage<std::runtime_error>(
                    HasSubstr("which is no part of an attention map")));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "mine"), {}), 1);
  // An earlier map is replaced, with what it had more.
  const auto many = write_attention_map(folder / "map", "old", {layers[0], layers[0]});
  const auto few = write_attention_map(folder / "map", "new", layers);
  EXPECT_EQ(read_file(few[0]), "new");
  EXPECT_FALSE(std::filesystem::exists(many.back()));
}

}  // namespace
}  // namespace zoo
