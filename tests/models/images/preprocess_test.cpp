// Pixel values against transformers' processors, and configurations that are wrong.
#include "models/images/preprocess.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/models/images/golden.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What a folder of a model of this type means, with this preprocessor_config.json.
ImagePreprocessing parsed(const std::string& text, const std::string& model = "vit") {
  const TemporaryFolder folder;
  write_file(folder / "preprocessor_config.json", text);
  write_file(folder / "config.json", json{{"model_type", model}}.dump());
  return read_preprocessing(folder.path());
}

void expect_config_refused(const std::string& text, const std::string& why) {
  try {
    parsed(text);
    FAIL() << "accepted: " << text;
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("preprocessor_config.json: "));
    EXPECT_THAT(error.what(), HasSubstr(why));
  }
}

TEST(PreprocessTest, GivesTheValuesOfTransformers) {
  ASSERT_EQ(golden_images()["processed"].size(), 21u);
  for (const auto& c : golden_images()["processed"]) {
    const auto size = c["size"].get<std::vector<int>>();
    const auto out = preprocess(picture(size[0], size[1]), parsed(c["config"].dump()));
    const std::vector<int64_t> shape = {out.channels, out.height, out.width};
    EXPECT_EQ(shape, c["shape"].get<std::vector<int64_t>>()) << c["config"];
    const auto expected = c["values"].get<std::vector<double>>();
    ASSERT_EQ(out.values.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(out.values[i], expected[i], 1e-6 * (1.0 + std::abs(expected[i]))) << c["config"];
  }
}

TEST(PreprocessTest, AGreyModelSeesTheBrightness) {
  const Image image{1, 1, {255, 0, 0}};
  const auto out = preprocess(image, {.resize = false, .mean = {0.0}, .std = {1.0}}, 1);
  ASSERT_EQ(out.values.size(), 1u);
  EXPECT_FLOAT_EQ(out.values[0], 76.0f / 255.0f);
  EXPECT_THROW(preprocess(image, {}, 1), std::invalid_argument);
  EXPECT_THROW(preprocess(image, {}, 4), std::invalid_argument);
}

TEST(PreprocessTest, APictureOfOneLineIsNotBlownUp) {
  const Image line{50'000, 1, std::vector<uint8_t>(150'000)};
  EXPECT_THROW(preprocess(line, default_preprocessing(ImageProcessor::kClip)), std::runtime_error);
}

TEST(PreprocessTest, FilesAreReadBackAsWritten) {
  auto clip = default_preprocessing(ImageProcessor::kClip);
  clip.normalize = false;
  const ImagePreprocessing grey{.height = 28, .width = 30, .mean = {0.1307}, .std = {0.3081}};
  for (const auto& options : {ImagePreprocessing{}, clip, grey}) {
    const TemporaryFolder folder;
    write_preprocessing(options, folder.path());
    auto found = read_preprocessing(folder.path());
    if (options.shortest_edge > 0) found.height = options.height, found.width = options.width;
    EXPECT_EQ(found, options);
  }
}

TEST(PreprocessTest, OlderFilesAreUnderstood) {
  const auto vit = parsed(R"({"feature_extractor_type": "ViTFeatureExtractor", "size": 96})");
  EXPECT_EQ(vit.height, 96);
  EXPECT_EQ(vit.shortest_edge, 0);
  const auto clip =
      parsed(R"({"feature_extractor_type": "CLIPFeatureExtractor", "size": 96, "crop_size": 90})");
  EXPECT_EQ(clip.shortest_edge, 96);
  EXPECT_EQ(clip.crop_width, 90);
  EXPECT_TRUE(clip.center_crop);
  EXPECT_EQ(parsed(R"({"image_processor_type": "DeiTImageProcessorFast"})").height, 256);
  EXPECT_EQ(parsed("{}"), ImagePreprocessing{});
}

TEST(PreprocessTest, WrongFilesAreOneLine) {
  expect_config_refused("", "not JSON");
  expect_config_refused("[]", "not a JSON object");
  expect_config_refused(R"({"image_processor_type": "DPTImageProcessor"})",
                        "ViTImageProcessor, DeiT");
  expect_config_refused(R"({"size": {"height": 224}})",
                        "[height, width], or an object with height");
  expect_config_refused(R"({"size": [1, 2, 3]})", "[height, width], or an object with height");
  expect_config_refused(R"({"size": 0})", "must be from 1 to 10000, got 0");
  expect_config_refused(R"({"size": 100000000})", "must be from 1 to 10000");
  expect_config_refused(R"({"size": 12.5})", "a whole number");
  expect_config_refused(R"({"resample": 8})", "from 0 to 7");
  expect_config_refused(R"({"do_resize": 1})", "true or false");
  expect_config_refused(R"({"size": {"longest_edge": 300}})", "must have height and width");
  expect_config_refused(R"({"size": null})", "\"size\" is null");
  expect_config_refused(R"({"image_mean": null})", "\"image_mean\" is null");
  expect_config_refused(R"({"do_center_crop": true})", "no \"crop_size\"");
  expect_config_refused(R"({"do_center_crop": true, "crop_size": {"shortest_edge": 3}})",
                        "height and width");
  expect_config_refused(R"({"image_mean": [0.5, 0.5]})", "1 or 3 values, got 2");
  expect_config_refused(R"({"image_std": [0, 1, 1]})", "must be positive");
  expect_config_refused(R"({"image_std": ["a", 1, 1]})", "a number");
  expect_config_refused(R"({"rescale_factor": 1e999})", "");
  EXPECT_THROW(parsed("{}", "gpt2"), std::runtime_error);
  const TemporaryFolder folder;
  EXPECT_EQ(preprocessing_file(folder.path()), std::nullopt);
  EXPECT_THROW(read_preprocessing(folder.path()), std::runtime_error);
}

TEST(PreprocessTest, TheWholeProcessorsFileCountsWhereItHasThePicturesPart) {
  const TemporaryFolder folder;
  write_file(folder / "processor_config.json",
             R"({"image_processor": {"image_processor_type": "CLIPImageProcessor", "size": 40}})");
  EXPECT_EQ(read_preprocessing(folder.path()).shortest_edge, 40);
  write_file(folder / "preprocessor_config.json",
             R"({"image_processor_type": "ViTImageProcessor", "size": 50})");
  EXPECT_EQ(read_preprocessing(folder.path()).shortest_edge, 40);
  write_file(folder / "processor_config.json", R"({"processor_class": "CLIPProcessor"})");
  EXPECT_EQ(read_preprocessing(folder.path()).height, 50);
  write_file(folder / "processor_config.json", "{");
  EXPECT_THROW(read_preprocessing(folder.path()), std::runtime_error);
}

TEST(PreprocessTest, WithoutANameTheModelsProcessorCounts) {
  EXPECT_EQ(parsed("{}", "clip"), default_preprocessing(ImageProcessor::kClip));
  EXPECT_EQ(parsed("{}", "deit"), default_preprocessing(ImageProcessor::kDeit));
  EXPECT_EQ(parsed("{}", "vit"), ImagePreprocessing{});
  EXPECT_EQ(parsed("{}", "zoo_cnn"), ImagePreprocessing{});
  EXPECT_EQ(parsed(R"({"feature_extractor_type": "CLIPFeatureExtractor"})", "vit"),
            default_preprocessing(ImageProcessor::kClip));
}

TEST(PreprocessTest, ANullStepIsLeftOut) {
  const auto steps = parsed(R"({"do_resize": null, "do_rescale": null, "do_normalize": null,
                                "size": null, "image_mean": null})");
  EXPECT_FALSE(steps.resize || steps.rescale || steps.normalize || steps.center_crop);
}

TEST(PreprocessTest, SizesFollowTheReferencesRules) {
  const auto becomes = [](const std::string& text, int width, int height) {
    const Image out = resized_and_cropped(picture(width, height), parsed(text));
    return std::pair(out.height, out.width);
  };
  using Sides = std::pair<int, int>;
  EXPECT_EQ(becomes(R"({"size": {"shortest_edge": 8}})", 20, 10), Sides(8, 16));
  EXPECT_EQ(becomes(R"({"size": {"shortest_edge": 8, "longest_edge": 9}})", 20, 10), Sides(4, 9));
  EXPECT_EQ(becomes(R"({"size": {"max_height": 6, "max_width": 6}})", 20, 10), Sides(3, 6));
  EXPECT_EQ(becomes(R"({"size": [6, 7]})", 20, 10), Sides(6, 7));
  EXPECT_EQ(becomes(R"({"size": 6, "default_to_square": false})", 20, 10), Sides(6, 12));
  EXPECT_THROW(becomes(R"({"size": {"max_height": 6, "max_width": 6}})", 50, 1),
               std::runtime_error);
}

TEST(PreprocessTest, PaddingIsZeroToTheModel) {
  const auto steps = parsed(R"({"do_resize": false, "do_pad": true, "pad_size": [3, 2]})");
  const auto out = preprocess(Image{1, 1, {255, 255, 255}}, steps);
  EXPECT_EQ(out.height, 3);
  EXPECT_EQ(out.width, 2);
  EXPECT_THAT(out.values, ElementsAre(1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0));
  EXPECT_THROW(preprocess(picture(4, 4), steps), std::runtime_error);
  EXPECT_EQ(parsed(R"({"do_pad": true})").pad_height, 0);  // of one picture all are the largest
}

}  // namespace
}  // namespace zoo::testing
