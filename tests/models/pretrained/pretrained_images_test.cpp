// Checkpoint folders of models that see images: what was written returns, in the reference's layout
// where there is one; what contradicts itself is refused with one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/pretrained/format/safetensors.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"
#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/models/vision/tiny_vits.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/too_large.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using testing::too_large;

class ImageCheckpointTest : public ::testing::Test {
 protected:
  json config() {
    std::ifstream in(folder / "config.json");
    return json::parse(in);
  }
  std::string refusal() {
    try {
      load_image_classifier(folder.path());
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
      return error.what();
    }
    return "";
  }
  std::string refusal_after(auto change) {
    save_vit(*vit(), folder.path());
    json edited = config();
    change(edited);
    testing::write_bytes(folder / "config.json", edited.dump());
    return refusal();
  }
  static Vit vit(size_t which = 0) {
    torch::manual_seed(5);
    Vit model(testing::tiny_vits()[which].options);
    model->eval();
    return model;
  }
  testing::TemporaryFolder folder;
  torch::NoGradGuard no_grad;
};

TEST_F(ImageCheckpointTest, EveryVitReturnsFromItsFolder) {
  for (size_t n = 0; n < 4; ++n) {
    SCOPED_TRACE(testing::tiny_vits()[n].name);
    auto model = vit(n);
    save_image_classifier(*model, folder.path(), {"cat", "dog"});
    const auto loaded = load_image_classifier(folder.path());
    EXPECT_EQ(loaded.labels,
              (std::vector<std::string>{"cat", "dog", "LABEL_2", "LABEL_3", "LABEL_4"}));
    const auto pixels = torch::randn({2, 3, 6, 7});
    EXPECT_TRUE(torch::equal(loaded.model->forward(pixels), model(pixels)));
    EXPECT_FALSE(loaded.model->is_training());
    auto other = vit(n);
    for (auto& p : other->parameters()) p.zero_();
    load_image_classifier_weights(*other, folder.path());
    EXPECT_TRUE(torch::equal(other(pixels), model(pixels)));
  }
}

TEST_F(ImageCheckpointTest, LayoutsFollowTheOptions) {
  const auto model_type = [&](size_t n) {
    save_vit(*vit(n), folder.path());
    return config()["model_type"].get<std::string>();
  };
  EXPECT_EQ(model_type(0), "vit");
  EXPECT_EQ(model_type(1), "zoo_vit");
  EXPECT_THAT(layout_note(testing::tiny_vits()[1].options),
              HasSubstr("pooling class-token, an activation without a gate, position learned"));
  EXPECT_EQ(layout_note(testing::tiny_vit()), "");
  auto options = testing::tiny_vit();
  options.distillation = Distillation::kHead;
  save_vit(*Vit(options), folder.path());
  EXPECT_EQ(config()["model_type"], "deit");
  EXPECT_EQ(config()["architectures"][0], "DeiTForImageClassificationWithTeacher");
  EXPECT_EQ(config()["image_size"], json({6, 7}));
  EXPECT_EQ(config()["patch_size"], json({3, 2}));
  options.distillation = Distillation::kToken;
  save_vit(*Vit(options), folder.path());
  EXPECT_EQ(config()["architectures"][0], "DeiTForImageClassification");
  options.classes = 0;
  options.pooler = true;
  save_vit(*Vit(options), folder.path());
  EXPECT_EQ(config()["architectures"][0], "DeiTModel");
  EXPECT_TRUE(SafetensorsReader(folder.path()).contains("pooler.dense.weight"));
  EXPECT_TRUE(load_vit(folder.path())->pooler);
  EXPECT_THAT(refusal(), HasSubstr("an encoder alone, without classes"));
}

TEST_F(ImageCheckpointTest, TheTensorsHaveTheReferencesNamesAndShapes) {
  save_vit(*vit(), folder.path());
  const SafetensorsReader reader(folder.path());
  EXPECT_EQ(reader.entry("vit.embeddings.cls_token").shape, (std::vector<int64_t>{1, 1, 15}));
  EXPECT_EQ(reader.entry("vit.embeddings.position_embeddings").shape,
            (std::vector<int64_t>{1, 7, 15}));
  EXPECT_EQ(reader.entry("vit.encoder.layer.1.attention.attention.key.weight").shape,
            (std::vector<int64_t>{15, 15}));
  EXPECT_EQ(reader.entry("classifier.weight").shape, (std::vector<int64_t>{5, 15}));
  EXPECT_EQ(reader.names().size(), 3U + 1U + 2U * 16U + 2U + 2U);
}

TEST_F(ImageCheckpointTest, ModelsOfOurOwnReturnFromTheirFolders) {
  torch::manual_seed(5);
  CctOptions cct;
  cct.image_size = 9;
  cct.image_width = 12;
  cct.position = GridPositionKind::kRotary2d;
  const std::vector<std::shared_ptr<ImageClassifier>> models{
      Cct(cct).ptr(), Cnn(CnnOptions{.classes = 3, .image_size = 9, .image_width = 12}).ptr(),
      LinearClassifier(LinearClassifierOptions{.image_size = 9, .image_width = 12}).ptr()};
  for (const auto& model : models) {
    for (auto& p : model->parameters()) p.normal_(0.0, 0.3);
    model->eval();
    save_image_classifier(*model, folder.path());
    const auto loaded = load_image_classifier(folder.path());
    const auto pixels = torch::randn({2, 1, 9, 12});
    EXPECT_TRUE(torch::equal(loaded.model->forward(pixels), model->forward(pixels)));
    EXPECT_EQ(std::ssize(loaded.labels), model->classes());
    const auto wanted = loaded.model->forward(pixels);
    for (auto& p : model->parameters()) p.zero_();
    load_image_classifier_weights(*model, folder.path());
    EXPECT_TRUE(torch::equal(model->forward(pixels), wanted));
  }
}

TEST_F(ImageCheckpointTest, KeysThatContradictEachOtherAreRefused) {
  const std::string path = (folder / "config.json").string();
  EXPECT_EQ(refusal_after([](json&) {}), "");
  EXPECT_EQ(refusal_after([](json& c) { c["hidden_size"] = 18; }),
            path +
                ": \"hidden_size\" is 18, but \"zoo\" makes it 15: change both, or remove "
                "\"zoo\"");
  EXPECT_THAT(refusal_after([](json& c) { c["model_type"] = "bert"; }),
              HasSubstr("a checkpoint of another family (model_type \"bert\")"));
  EXPECT_THAT(refusal_after([](json& c) { c["zoo"]["position"] = "rotary-2d"; }),
              HasSubstr("model_type vit does not fit the options under \"zoo\""));
  EXPECT_THAT(refusal_after([](json& c) {
                c["patch_size"] = {3, 2, 1};
                c.erase("zoo");
              }),
              HasSubstr("\"patch_size\" must be a number or a list of two"));
  EXPECT_THAT(refusal_after([](json& c) { c["zoo"]["layers"] = int64_t{1} << 40; }),
              HasSubstr("\"zoo\": \"layers\" is out of range"));
  EXPECT_THAT(refusal_after([](json& c) {
                c["num_hidden_layers"] = 1'000'000'000;
                c.erase("zoo");
              }),
              too_large());
  EXPECT_THAT(refusal_after([](json& c) {
                c["pooler_act"] = "relu";
                c.erase("zoo");
              }),
              HasSubstr("\"pooler_act\" is \"relu\""));
}

TEST_F(ImageCheckpointTest, HostileOptionsOfOurOwnModelsAreRefused) {
  const auto with = [&](const json& zoo, const char* type) {
    testing::write_bytes(folder / "config.json", json{{"model_type", type}, {"zoo", zoo}}.dump());
    return refusal();
  };
  save_image_classifier(*LinearClassifier(LinearClassifierOptions{}), folder.path());
  EXPECT_THAT(with({{"image-size", 2'000'000'000}}, "zoo_linear"), HasSubstr("more than the"));
  EXPECT_THAT(with({{"width", 2'000'000'000}}, "zoo_cnn"), too_large());
  EXPECT_THAT(with({{"layers", 2'000'000'000}}, "zoo_cct"), too_large());
  EXPECT_THAT(with({{"image-size", -1}}, "zoo_linear"), HasSubstr("out of range"));
  EXPECT_THAT(with({{"colour", 1}}, "zoo_linear"), HasSubstr("unknown option \"colour\""));
  EXPECT_THAT(with({{"channels", 3}}, "zoo_linear"), HasSubstr("has shape"));
}

}  // namespace
}  // namespace zoo
