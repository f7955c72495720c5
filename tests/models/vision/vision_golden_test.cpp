// ViT, DeiT and CLIP folders that `transformers` wrote (tests/golden/vision.py): our outputs are
// its own, and what we write has its names, shapes, values and keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/format/safetensors.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kGolden = "tests/golden/vision";

json config_in(const fs::path& folder) {
  std::ifstream in(folder / "config.json");
  return json::parse(in);
}

void expect_close(const torch::Tensor& ours, const torch::Tensor& wanted, const std::string& name) {
  ASSERT_EQ(ours.sizes(), wanted.sizes()) << name;
  EXPECT_TRUE(torch::allclose(ours, wanted, 1e-4, 1e-5))
      << name << ": largest error " << (ours - wanted).abs().max().item<float>();
}

/// Keys that both have are equal, in nested objects as well.
void expect_same_keys(const json& ours, const json& theirs) {
  for (const auto& [key, value] : ours.items()) {
    if (key == "zoo" || !theirs.contains(key)) continue;
    if (value.is_object()) {
      expect_same_keys(value, theirs[key]);
    } else {
      EXPECT_EQ(value, theirs[key]) << key;
    }
  }
}

void expect_same_checkpoint(const fs::path& ours, const fs::path& theirs) {
  const SafetensorsReader mine(ours), wanted(theirs);
  EXPECT_EQ(mine.names(), wanted.names());
  for (const auto& name : wanted.names()) {
    ASSERT_TRUE(mine.contains(name)) << name;
    EXPECT_TRUE(torch::equal(mine.tensor(name), wanted.tensor(name))) << name;
  }
  expect_same_keys(config_in(ours), config_in(theirs));
}

class GoldenVitTest : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path folder = kGolden / GetParam();
  torch::NoGradGuard no_grad;
};

TEST_P(GoldenVitTest, ComputesWhatTransformersDoes) {
  const SafetensorsReader io(folder / "io.safetensors");
  for (const std::string kernel : {"matmul", "flash"}) {
    auto model = load_vit(folder, {.attention = kernel});
    const auto hidden = model->hidden_of(model->encode(io.tensor("pixel_values")));
    if (io.contains("last_hidden_state"))
      expect_close(hidden, io.tensor("last_hidden_state"), "last_hidden_state");
    if (io.contains("pooler_output"))
      expect_close(model->pooler ? model->pooler_output(hidden) : model->pool(hidden),
                   io.tensor("pooler_output"), "pooler_output");
    if (io.contains("logits"))
      expect_close(model->forward(io.tensor("pixel_values")), io.tensor("logits"), "logits");
    if (io.contains("distillation_logits")) {
      const auto heads = model->heads_of(hidden);
      expect_close(heads.by_class_token, io.tensor("cls_logits"), "cls_logits");
      expect_close(heads.by_distillation_token, io.tensor("distillation_logits"), "distillation");
    }
    if (!io.contains("large_logits")) continue;
    const auto large = model->encode(io.tensor("large_pixel_values"), {.interpolate = true});
    expect_close(model->logits_of(model->hidden_of(large)), io.tensor("large_logits"),
                 "interpolated positions");
  }
}

TEST_P(GoldenVitTest, SavesTheNamesShapesValuesAndKeysThatItRead) {
  const testing::TemporaryFolder saved;
  save_vit(*load_vit(folder), saved.path(), read_vit_config(folder).labels);
  expect_same_checkpoint(saved.path(), folder);
  EXPECT_EQ(config_in(saved.path()).value("id2label", json()),
            load_vit(folder)->classes() > 0 ? config_in(folder)["id2label"] : json());
}

INSTANTIATE_TEST_SUITE_P(Folders, GoldenVitTest,
                         ::testing::Values("ViTForImageClassification", "ViTModel",
                                           "DeiTForImageClassificationWithTeacher",
                                           "DeiTForImageClassification",
                                           "Dinov2ForImageClassification", "Dinov2Model"),
                         [](const auto& info) { return std::string(info.param); });

class GoldenClipTest : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path folder = kGolden / GetParam();
  torch::NoGradGuard no_grad;
};

TEST_P(GoldenClipTest, ComputesWhatTransformersDoes) {
  const SafetensorsReader io(folder / "io.safetensors");
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, -1, true); };
  for (const std::string kernel : {"matmul", "flash"}) {
    auto model = load_clip(folder, {.attention = kernel});
    torch::Tensor images, texts;
    if (io.contains("pixel_values")) {
      images = model->embed_images(io.tensor("pixel_values"));
      expect_close(images, unit(io.tensor("image_embeds")), "image_embeds");
    }
    if (io.contains("input_ids")) {
      const auto mask = io.tensor("attention_mask").to(torch::kBool);  // [N, T]
      texts = model->embed_texts(io.tensor("input_ids"),
                                 {.args = {.may_attend = mask.unsqueeze(1).unsqueeze(1)}});
      expect_close(texts, unit(io.tensor("text_embeds")), "text_embeds");
    }
    if (!io.contains("logits_per_image")) continue;
    expect_close(model->logits_per_image(images, texts), io.tensor("logits_per_image"), "logits");
  }
}

TEST_P(GoldenClipTest, SavesTheNamesShapesValuesAndKeysThatItRead) {
  const testing::TemporaryFolder saved;
  save_clip(*load_clip(folder), saved.path(), read_clip_config(folder).ids);
  expect_same_checkpoint(saved.path(), folder);
}

INSTANTIATE_TEST_SUITE_P(Folders, GoldenClipTest,
                         ::testing::Values("CLIPModel", "CLIPTextModelWithProjection",
                                           "CLIPVisionModelWithProjection", "SiglipModel"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace zoo
