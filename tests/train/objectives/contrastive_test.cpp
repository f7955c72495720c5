// Contrastive losses against loops over all pairs; gradients in chunks against the whole batch.
#include "train/objectives/contrastive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>

#include <algorithm>
#include <cmath>

#include "models/clip/clip.h"
#include "models/layers/auxiliary_losses.h"
#include "tests/support/gradient_check.h"
#include "train/objectives/gradient_cache.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

TEST(ContrastiveTest, WithoutDuplicatesInfoNceIsTheMeanOfTwoCrossEntropies) {
  torch::manual_seed(4);
  const auto logits = torch::randn({5, 5}, torch::kDouble) * 3;
  const auto diagonal = torch::arange(5);
  const auto wanted = (torch::cross_entropy_loss(logits, diagonal) +
                       torch::cross_entropy_loss(logits.t(), diagonal)) /
                      2;
  EXPECT_NEAR(info_nce_loss(logits).item<double>(), wanted.item<double>(), 1e-12);
  EXPECT_NEAR(info_nce_loss(logits, torch::eye(5).to(torch::kBool)).item<double>(),
              wanted.item<double>(), 1e-12);
}

TEST(ContrastiveTest, InfoNceOfTwoByHand) {
  // Rows: log(1 + e^-1) and log(1 + e^-2); columns: log(1 + e^-3) and log(1 + 1).
  const auto logits = torch::tensor({{3.0, 2.0}, {0.0, 2.0}}, torch::kDouble);
  const double rows = std::log1p(std::exp(-1)) + std::log1p(std::exp(-2));
  const double columns = std::log1p(std::exp(-3)) + std::log(2.0);
  EXPECT_NEAR(info_nce_loss(logits).item<double>(), (rows + columns) / 4, 1e-12);
}

TEST(ContrastiveTest, EqualCaptionsAreAllRightAnswers) {
  const auto captions = torch::tensor({{1, 2}, {3, 4}, {1, 2}, {1, 4}});
  const auto positives = equal_captions(captions);
  EXPECT_TRUE(
      torch::equal(positives.to(torch::kLong),
                   torch::tensor({{1, 0, 1, 0}, {0, 1, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 1}})));
  // Scores that know no difference between equal captions lose nothing but their number.
  const auto logits = (positives.to(torch::kDouble) - 1) * 1000;
  EXPECT_NEAR(info_nce_loss(logits, positives).item<double>(), std::log(2.0) / 2, 1e-9);
  EXPECT_GT(info_nce_loss(logits + torch::eye(4, torch::kDouble) * 9, positives).item<double>(),
            1.0);
}

TEST(ContrastiveTest, SiglipIsABinaryCrossEntropyOfEveryPair) {
  torch::manual_seed(4);
  const auto logits = torch::randn({4, 4}, torch::kDouble) * 3;
  const auto positives = equal_captions(torch::tensor({{1, 2}, {3, 4}, {1, 2}, {1, 4}}));
  double sum = 0;
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      const double x = logits[i][j].item<double>();
      sum += std::log1p(std::exp(positives[i][j].item<bool>() ? -x : x));
    }
  }
  EXPECT_NEAR(siglip_loss(logits, positives).item<double>(), sum / 4, 1e-12);
  EXPECT_NEAR(siglip_loss(torch::zeros({3, 3})).item<double>(), 3 * std::log(2.0), 1e-6);
}

TEST(ContrastiveTest, ShapesThatDoNotFitAreRefused) {
  EXPECT_THAT(torch_error_of([] {
                info_nce_loss(torch::zeros({2, 3}));
              }),
              HasSubstr("contrastive loss: logits must be [B, B], got [2, 3]"));
  EXPECT_THAT(torch_error_of([] {
                siglip_loss(torch::zeros({2, 2}), torch::ones({3, 3}));
              }),
              HasSubstr("contrastive loss: positives must be [2, 2], got [3, 3]"));
}

class GradientCacheTest : public ::testing::Test {
 protected:
  static Clip clip(double dropout = 0.0, double diversity = 0.0) {
    ClipOptions o;
    o.image.image_size = 8;
    o.image.layers = o.text.layers = 2;
    o.image.d_model = o.text.d_model = 12;
    o.image.heads = o.text.heads = 3;
    o.image.dropout = o.text.residual_dropout = dropout;
    o.image.head_diversity = o.text.head_diversity = diversity;
    o.text.vocab_size = 17;
    o.has_logit_bias = true;
    torch::manual_seed(4);
    Clip model(o);
    model->to(torch::kDouble);
    return model;
  }
  static std::vector<torch::Tensor> gradients(const Clip& model) {
    std::vector<torch::Tensor> result;
    for (const auto& p : model->parameters()) result.push_back(p.grad().clone());
    return result;
  }
  torch::Tensor loss_of(Clip& model, const torch::Tensor& images, const torch::Tensor& texts) {
    const auto logits = model->logits_per_image(images, texts);
    const auto positives = equal_captions(tokens);
    return info_nce_loss(logits, positives) + siglip_loss(logits, positives);
  }
  double whole(Clip& model) {
    const auto images = model->embed_images(pixels);
    const auto loss = loss_of(model, images, model->embed_texts(tokens));
    loss.backward();
    return loss.item<double>();
  }
  double in_chunks(Clip& model, int64_t chunk) {
    const std::vector<ChunkEncoder> encoders{
        [&](int64_t begin, int64_t count) {
          return model->embed_images(pixels.narrow(0, begin, count));
        },
        [&](int64_t begin, int64_t count) {
          return model->embed_texts(tokens.narrow(0, begin, count));
        }};
    return backward_in_chunks(encoders, 7, chunk,
                              [&](const auto& e) { return loss_of(model, e[0], e[1]); })
        .item<double>();
  }
  torch::Tensor pixels = torch::randn({7, 3, 8, 8}, torch::kDouble);
  torch::Tensor tokens = torch::randint(17, {7, 5}, torch::kLong);
};

TEST_F(GradientCacheTest, ChunksGiveTheGradientsOfTheWholeBatch) {
  tokens[3].copy_(tokens[1]);
  auto at_once = clip();
  const double wanted = whole(at_once);
  const auto gradients_at_once = gradients(at_once);
  for (const int64_t chunk : {1, 2, 3, 7, 100}) {
    auto cached = clip();
    EXPECT_NEAR(in_chunks(cached, chunk), wanted, 1e-12) << chunk;
    const auto ours = gradients(cached);
    ASSERT_EQ(ours.size(), gradients_at_once.size());
    for (size_t n = 0; n < ours.size(); ++n)
      EXPECT_TRUE(torch::allclose(ours[n], gradients_at_once[n], 1e-9, 1e-12)) << chunk << " " << n;
  }
}

TEST_F(GradientCacheTest, DropoutDropsTheSameInBothPasses) {
  auto at_once = clip(0.5), cached = clip(0.5);
  torch::manual_seed(9);
  const double wanted = whole(at_once);
  const auto next = torch::rand({3});
  torch::manual_seed(9);
  EXPECT_NEAR(in_chunks(cached, 7), wanted, 1e-12);
  EXPECT_TRUE(torch::equal(torch::rand({3}), next));  // and the stream goes on as it would have
  const auto ours = gradients(cached), theirs = gradients(at_once);
  for (size_t n = 0; n < ours.size(); ++n)
    EXPECT_TRUE(torch::allclose(ours[n], theirs[n], 1e-9, 1e-12)) << n;
}

TEST_F(GradientCacheTest, LossesOfLayersCountByTheExamplesOfEachChunk) {
  auto plain = clip(), at_once = clip(0, 0.5);
  double wanted = 0;
  whole(plain);
  {
    const AuxiliaryLosses auxiliary;
    whole(at_once);
    wanted = auxiliary.means().at("head_similarity");
  }
  const auto gradients_at_once = gradients(at_once), without = gradients(plain);
  double largest = 0;  // what the penalty adds
  for (size_t n = 0; n < without.size(); ++n)
    largest = std::max(largest, (gradients_at_once[n] - without[n]).abs().max().item<double>());
  EXPECT_GT(largest, 1e-6);
  for (const int64_t chunk : {1, 3, 7}) {
    auto cached = clip(0, 0.5);
    const AuxiliaryLosses auxiliary;
    in_chunks(cached, chunk);
    EXPECT_NEAR(auxiliary.means().at("head_similarity"), wanted, 1e-12);
    const auto ours = gradients(cached);
    for (size_t n = 0; n < ours.size(); ++n)
      EXPECT_TRUE(torch::allclose(ours[n], gradients_at_once[n], 1e-9, 1e-12)) << chunk << " " << n;
  }
}

TEST_F(GradientCacheTest, GradientsAddUp) {
  auto model = clip();
  whole(model);
  const auto once = gradients(model);
  in_chunks(model, 3);
  const auto twice = gradients(model);
  for (size_t n = 0; n < once.size(); ++n)
    EXPECT_TRUE(torch::allclose(twice[n], 2 * once[n], 1e-9, 1e-12)) << n;
  EXPECT_THAT(torch_error_of([&] { in_chunks(model, 0); }),
              HasSubstr("batch and chunk must be positive, got 7 and 0"));
}

}  // namespace
}  // namespace zoo
