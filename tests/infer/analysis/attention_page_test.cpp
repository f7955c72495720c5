// The pictures and the page of attention: what they hold, and where they are written.
#include "infer/analysis/attention_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "infer/analysis/attention_pictures.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

AttentionMaps maps_of(std::vector<torch::Tensor> layers, std::vector<std::string> labels) {
  const auto T = std::ssize(labels);
  return {.maps = {{.name = "self",
                    .queries = labels,
                    .keys = labels,
                    .may_attend = torch::ones({T, T}, torch::kBool).tril(),
                    .layers = std::move(layers)}},
          .input = "a <b> &"};
}

std::string page_of(const AttentionMaps& maps) {
  std::vector<std::vector<HeadRow>> heads;
  for (const auto& map : maps.maps) heads.push_back(score_heads(map));
  return attention_page("Heads", maps, heads);
}

nlohmann::json data_of(const std::string& page) {
  const std::string start = "id=\"data\">";
  const size_t from = page.find(start) + start.size();
  return nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(AttentionPageTest, ThePictureIsBrightWhereTheWeightIsAndPaleWhereItIsMasked) {
  const auto picture = draw_head(torch::eye(3), torch::ones({3, 3}, torch::kBool).tril(), 2);
  EXPECT_EQ(picture.width, 6);
  const auto pixel = [&](int row, int column) {
    const size_t at = (static_cast<size_t>(row) * 2 * 6 + static_cast<size_t>(column) * 2) * 3;
    return std::vector<int>{picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]};
  };
  EXPECT_EQ(pixel(0, 2), (std::vector<int>{222, 225, 231}));
  EXPECT_GT(pixel(1, 1)[0], 200);
  EXPECT_LT(pixel(2, 0)[0], 50);
}

TEST(AttentionPageTest, HoldsWeightsLabelsAndMaskAndNothingThatALabelCanEnd) {
  const auto maps = maps_of({torch::eye(2).repeat({3, 1, 1})}, {"</script>", "\xFF"});
  const std::string page = page_of(maps);
  EXPECT_THAT(page, HasSubstr("a &lt;b&gt; &amp;"));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  const auto map = data_of(page)["maps"][0];
  EXPECT_EQ(map["keys"][0], "</script>");
  EXPECT_EQ(map["headCount"], 3);
  // 1, masked, 0, 1 of 65534, three heads: 12 numbers of two bytes.
  EXPECT_EQ(map["weights"].get<std::string>().substr(0, 11), "/v///wAA/v/");
  EXPECT_EQ(map["weights"].get<std::string>().size(), 32U);
}

TEST(AttentionPageTest, MoreThanAPageCanShowIsRefused) {
  const auto tokens = [](int64_t count) {
    return std::vector<std::string>(static_cast<size_t>(count), "x");
  };
  EXPECT_THAT(
      [&] {
        check_page(maps_of({torch::zeros({1, 513, 513})}, tokens(513)));
      },
      ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("513 tokens are more")));
  const auto many = torch::zeros({1, 1, 1}).expand({200, 400, 400});
  EXPECT_THAT([&] { check_page(maps_of({many}, tokens(400))); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("32000000 weights of all heads are more than a page can show (8 "
                            "million); give an input of at most 50 % of the tokens")));
}

TEST(AttentionPageTest, WritesAPageAndPicturesThatStandAlone) {
  const testing::TemporaryFolder folder;
  auto maps =
      maps_of({torch::eye(2).repeat({3, 1, 1}), torch::eye(2).repeat({3, 1, 1})}, {"a", "b"});
  const auto paths = write_attention_map(folder / "new" / "map", page_of(maps), maps);
  EXPECT_EQ(paths.size(), 2 + 2 * (1 + 3U));
  for (const auto& path : paths) EXPECT_GT(read_file(path).size(), 50U) << path;
  EXPECT_EQ(paths[1].filename(), "multi_head_attention_map.png");
  EXPECT_EQ(paths[2].filename(), "layer-0.png");
  // Of several maps, names say which.
  maps.maps.push_back(maps.maps[0]);
  maps.maps[1].name = "cross";
  const auto both = write_attention_map(folder / "new" / "map", "page", maps);
  EXPECT_EQ(both.back().filename(), "cross-layer-1-head-2.png");
}

TEST(AttentionPageTest, ALayerMayHaveFewerHeads) {
  const testing::TemporaryFolder folder;
  const auto maps =
      maps_of({torch::eye(2).unsqueeze(0), torch::eye(2).repeat({3, 1, 1})}, {"a", "b"});
  const auto rows = score_heads(maps.maps[0]);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[3].layer, 1);
  EXPECT_EQ(rows[3].head, 2);
  EXPECT_EQ(rows[0].like_layer, 1);
  const std::string page = page_of(maps);
  const auto map = data_of(page)["maps"][0];
  EXPECT_EQ(map["headCount"], 3);
  ASSERT_EQ(map["heads"].size(), 6U);
  EXPECT_FALSE(map["heads"][0].is_null());
  EXPECT_TRUE(map["heads"][1].is_null());
  EXPECT_TRUE(map["heads"][2].is_null());
  EXPECT_FALSE(map["heads"][5].is_null());
  // Twelve numbers a layer; of the heads that are not there all are masked.
  EXPECT_EQ(map["weights"].get<std::string>().substr(0, 32), "/v///wAA/v//////////////////////");
  EXPECT_EQ(write_attention_map(folder / "map", page, maps).size(), 2 + 2 + 1 + 3U);
}

TEST(AttentionPageTest, AllHeadsAreOnOnePictureWithRoomForTheirLabels) {
  const auto short_labels = maps_of({torch::eye(2).repeat({3, 1, 1})}, {"a", "b"});
  const auto long_labels = maps_of({torch::eye(2).repeat({3, 1, 1})}, {"longer", "b"});
  EXPECT_EQ(draw_all_heads(long_labels).height - draw_all_heads(short_labels).height, 5 * 6);
  const auto two_layers =
      maps_of({torch::eye(2).repeat({3, 1, 1}), torch::eye(2).repeat({3, 1, 1})}, {"a", "b"});
  EXPECT_GT(draw_all_heads(two_layers).height, draw_all_heads(short_labels).height + 2 * 16);
}

TEST(AttentionPageTest, NamesOfAxesFitBesideTheSmallestMap) {
  auto maps = maps_of({torch::ones({1, 1, 1})}, {"a"});
  const Image brief = draw_all_heads(maps);
  maps.maps[0].query_axis = std::string(40, 'q');  // 240 pixels upwards
  maps.maps[0].key_axis = std::string(60, 'k');
  const Image sheet = draw_all_heads(maps);
  EXPECT_GE(sheet.height, 240 + 24);
  EXPECT_GE(sheet.width, 360);
  EXPECT_LT(brief.height, 100);
  // Both edges stay white: nothing was cut off.
  for (int y = 0; y < sheet.height; ++y)
    EXPECT_EQ(sheet.rgb[(static_cast<size_t>(y) * sheet.width + sheet.width - 1) * 3], 255) << y;
  for (int x = 0; x < sheet.width; ++x)
    EXPECT_EQ(sheet.rgb[(static_cast<size_t>(sheet.height - 1) * sheet.width + x) * 3], 255) << x;
}

TEST(AttentionPageTest, SaysWhereItCannotWrite) {
  const testing::TemporaryFolder folder;
  write_file(folder / "file", "x");
  const auto maps = maps_of({torch::eye(2).unsqueeze(0)}, {"a", "b"});
  EXPECT_THAT([&] { write_attention_map(folder / "file" / "map", "page", maps); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("cannot write")));
  EXPECT_THAT([&] { write_attention_map(folder / "file", "page", maps); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("as a folder (Not a directory); name a new folder")));
}

TEST(AttentionPageTest, WritesIntoNoFolderThatIsNotItsOwn) {
  const testing::TemporaryFolder folder;
  const auto layer = torch::eye(2).unsqueeze(0);
  const auto maps = maps_of({layer}, {"a", "b"});
  std::filesystem::create_directory(folder / "mine");
  write_file(folder / "mine" / "letter.txt", "dear");
  for (const std::filesystem::path& out : {folder / "mine", std::filesystem::path("/")}) {
    EXPECT_THAT([&] { write_attention_map(out, "page", maps); },
                ::testing::ThrowsMessage<std::runtime_error>(
                    HasSubstr("which is no part of an attention map")));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "mine"), {}), 1);
  // An earlier map is replaced, with what it had more.
  const auto many = write_attention_map(folder / "map", "old", maps_of({layer, layer}, {"a", "b"}));
  const auto few = write_attention_map(folder / "map", "new", maps);
  EXPECT_EQ(read_file(few[0]), "new");
  EXPECT_FALSE(std::filesystem::exists(many.back()));
}

}  // namespace
}  // namespace zoo
