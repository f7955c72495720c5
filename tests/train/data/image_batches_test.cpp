// Splits, augmentations and batches of pictures: the same whatever the threads, and as drawn.
#include "train/data/images/image_batches.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "models/batching/random.h"
#include "models/images/preprocess.h"

namespace zoo::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

/// [N, channels, 5, 6], no two pictures alike.
LabelledImages some_images(int64_t count, int64_t channels = 1) {
  auto pixels = torch::arange(count * channels * 30).mul(37).remainder(251).to(torch::kByte);
  return {pixels.view({count, channels, 5, 6}), torch::arange(count).remainder(3)};
}

ImageDataSet some_data(int64_t count) {
  return {.training = some_images(count), .validation = {}, .class_names = {"a", "b", "c"}};
}

const ChannelStatistics kPlain{.mean = {0.0}, .std = {1.0}};

TEST(HoldOutTest, TakesTheSameShareOfEveryClass) {
  auto data = some_data(60);
  hold_out(data, 0.25);
  EXPECT_EQ(data.training.size(), 45);
  EXPECT_TRUE(torch::bincount(data.validation.labels).equal(torch::tensor({5, 5, 5})));
  auto again = some_data(60);
  hold_out(again, 0.25);
  EXPECT_TRUE(again.validation.pixels.equal(data.validation.pixels));
  auto few = some_data(3);
  EXPECT_THROW(hold_out(few, 0.1), std::runtime_error);
  // Ten additions of a tenth are less than one in binary.
  for (const int64_t of_a_class : {10, 20, 70}) {
    const int64_t all = 3 * of_a_class;
    ImageDataSet tenth{
        .training = {torch::zeros({all, 1, 1, 1}, torch::kByte), torch::arange(all).remainder(3)},
        .class_names = {"a", "b", "c"}};
    hold_out(tenth, 0.1);
    EXPECT_EQ(tenth.validation.size(), all / 10);
  }
}

TEST(KeepFractionTest, KeepsAtLeastOneOfEachClassBySeed) {
  auto data = some_data(300), other = some_data(300), one = some_data(300);
  keep_fraction(data, 0.1, 7);
  keep_fraction(other, 0.1, 8);
  EXPECT_TRUE(torch::bincount(data.training.labels).equal(torch::tensor({10, 10, 10})));
  EXPECT_FALSE(data.training.pixels.equal(other.training.pixels));
  keep_fraction(one, 1e-6, 7);
  EXPECT_EQ(one.training.size(), 3);
}

TEST(FitImagesTest, BrightnessOfColourAndGreyRepeated) {
  const auto grey = fit_images(some_images(4, 3), 1, 5, 6);
  EXPECT_EQ(grey.pixels.sizes(), (std::vector<int64_t>{4, 1, 5, 6}));
  const auto colour = fit_images(grey, 3, 10, 12);
  EXPECT_EQ(colour.pixels.sizes(), (std::vector<int64_t>{4, 3, 10, 12}));
  const auto c = some_images(4, 3).pixels[2].to(torch::kDouble);
  const auto expected = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
  EXPECT_LE((grey.pixels[2][0] - expected).abs().max().item<double>(), 0.51);
}

TEST(ChannelStatisticsTest, AreThoseOfTheBytes) {
  const auto images = some_images(7, 3);
  const auto statistics = channel_statistics(images);
  const auto channel = images.pixels.select(1, 2).to(torch::kDouble) / 255.0;
  EXPECT_NEAR(statistics.mean[2], channel.mean().item<double>(), 1e-12);
  EXPECT_NEAR(statistics.std[2], channel.std(/*unbiased=*/false).item<double>(), 1e-12);
  const LabelledImages black{torch::zeros({2, 1, 3, 3}, torch::kByte),
                             torch::zeros({2}, torch::kLong)};
  EXPECT_EQ(channel_statistics(black).std[0], 1.0);
}

TEST(ImageBatchesTest, EveryPictureOnceAnEpochInAnotherOrder) {
  ImageBatches batches(some_images(12), kPlain, {.batch = 4, .seed = 3, .threads = 0});
  ASSERT_EQ(batches.batches_per_epoch(), 3);
  std::vector<std::vector<float>> epochs(2);
  for (auto& epoch : epochs) {
    for (int b = 0; b < 3; ++b) {
      const auto batch = batches.next();
      for (int64_t i = 0; i < 4; ++i) epoch.push_back(batch.pixels[i].sum().item<float>());
    }
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (auto& epoch : epochs) std::sort(epoch.begin(), epoch.end());
  EXPECT_EQ(epochs[0], epochs[1]);
}

ImageBatchOptions everything(int64_t threads) {
  return {.batch = 5,
          .seed = 11,
          .threads = threads,
          .augment = {.crop_padding = 2, .flip = true, .rand_augment = 2, .random_erasing = 0.5},
          .mixup = 0.8,
          .cutmix = 1.0};
}

TEST(ImageBatchesTest, AreTheSameForAnyNumberOfThreadsAndAfterAResume) {
  ImageBatches one(some_images(23, 3), {{0.4, 0.5, 0.6}, {0.2, 0.3, 0.4}}, everything(0));
  ImageBatches three(some_images(23, 3), {{0.4, 0.5, 0.6}, {0.2, 0.3, 0.4}}, everything(3));
  for (int n = 0; n < 11; ++n) {
    if (n == 6) {  // in the middle of an epoch, with batches made ahead
      const auto state = three.state();
      three.next();
      three.restore(state);
    }
    const auto a = one.next(), b = three.next();
    EXPECT_TRUE(a.pixels.equal(b.pixels)) << n;
    EXPECT_TRUE(a.labels.equal(b.labels)) << n;
    EXPECT_TRUE(a.mixed_labels.equal(b.mixed_labels)) << n;
    EXPECT_EQ(a.share, b.share) << n;
  }
}

TEST(ImageBatchesTest, OtherPlacesInTheDataAreRefused) {
  ImageBatches batches(some_images(4), kPlain, {.batch = 2});
  for (const char* state :
       {"", "batch", "batch -1", "batch 1x", "epoch 3", "batch 99999999999999999999"})
    EXPECT_THROW(batches.restore(state), std::runtime_error) << state;
  EXPECT_THROW(ImageBatches({}, kPlain, {}), std::invalid_argument);
  EXPECT_THROW(ImageBatches(some_images(2), kPlain, {.mixup = -1.0}), std::invalid_argument);
}

TEST(ImageBatchesTest, FewerPicturesThanABatchAreOneBatch) {
  ImageBatches batches(some_images(3), kPlain, {.batch = 128});
  EXPECT_EQ(batches.next().pixels.size(0), 3);
}

TEST(ImageBatchesTest, ValuesAreThoseOfPreprocessing) {
  Image image{6, 5, {}};
  const auto images = some_images(1);
  for (int64_t i = 0; i < 30; ++i) {
    const auto value = images.pixels.data_ptr<uint8_t>()[i];
    image.rgb.insert(image.rgb.end(), {value, value, value});
  }
  const auto expected = preprocess(image, {.resize = false, .mean = {0.13}, .std = {0.31}}, 1);
  const auto batch = fixed_image_batch(images, {{0.13}, {0.31}}, 0, 1);
  for (int64_t i = 0; i < 30; ++i)
    EXPECT_EQ(batch.pixels.data_ptr<float>()[i], expected.values[static_cast<size_t>(i)]);
}

TEST(MixupTest, AddsThePartnerByItsShare) {
  const ImageBatchOptions plain{.batch = 4, .seed = 5, .threads = 0};
  auto mixing = plain;
  mixing.mixup = 1.0;
  ImageBatches a(some_images(4), kPlain, plain), b(some_images(4), kPlain, mixing);
  const auto whole = a.next(), mixed = b.next();
  EXPECT_TRUE(mixed.mixed_labels.equal(whole.labels.flip(0)));
  const auto expected = whole.pixels * mixed.share + whole.pixels.flip(0) * (1 - mixed.share);
  EXPECT_TRUE(mixed.pixels.allclose(expected));
  EXPECT_GT(mixed.share, 0.0);
  EXPECT_LT(mixed.share, 1.0);
}

TEST(MixupTest, AnyAlphaGivesAShareAtOnce) {
  for (const double alpha : {5e-324, 1e-300, 1e-20, 1e-3, 0.2, 1.0, 4.0}) {
    ImageBatches batches(some_images(4), kPlain,
                         {.batch = 4, .seed = 5, .threads = 0, .mixup = alpha});
    double sum = 0.0, apart = 0.0;
    constexpr int kDraws = 400;
    for (int n = 0; n < kDraws; ++n) {
      const double share = batches.next().share;
      ASSERT_GE(share, 0.0) << alpha;
      ASSERT_LE(share, 1.0) << alpha;
      sum += share;
      apart += (share - 0.5) * (share - 0.5);
    }
    EXPECT_NEAR(sum / kDraws, 0.5, 0.1) << alpha;
    // The variance of Beta(alpha, alpha): a small alpha gives all to one of the two.
    EXPECT_NEAR(apart / kDraws, 0.25 / (2.0 * alpha + 1.0), 0.02) << alpha;
  }
}

TEST(CutmixTest, TheShareIsThatOfThePixels) {
  ImageBatchOptions cutting{.batch = 2, .seed = 1, .threads = 0, .cutmix = 1.0};
  const LabelledImages images{
      torch::cat({torch::zeros({1, 1, 9, 9}), torch::full({1, 1, 9, 9}, 255)}).to(torch::kByte),
      torch::arange(2)};
  ImageBatches batches(images, kPlain, cutting);
  for (int n = 0; n < 20; ++n) {
    const auto batch = batches.next();
    const double bright = batch.pixels[0].mean().item<double>();
    const double own = batch.labels[0].item<int64_t>() == 1 ? batch.share : 1.0 - batch.share;
    EXPECT_NEAR(bright, own, 1e-6);
  }
}

Planes some_planes() {
  Planes image{.channels = 1, .height = 2, .width = 3, .values = {1, 2, 3, 4, 5, 6}};
  return image;
}

TEST(AugmentTest, FlipsAndMoves) {
  auto image = some_planes();
  flip(image);
  EXPECT_THAT(image.values, ElementsAre(3, 2, 1, 6, 5, 4));
  image = some_planes();
  translate(image, 1, -1);
  EXPECT_THAT(image.values, ElementsAre(0, 4, 5, 0, 0, 0));
}

TEST(AugmentTest, ErasedRectanglesHaveTheFillAndAShareOfTheArea) {
  auto random = generator_for({1});
  for (int n = 0; n < 200; ++n) {
    Planes image{.channels = 2, .height = 40, .width = 30, .values = std::vector<uint8_t>(2400, 9)};
    erase_rectangle(image, {1, 2}, random);
    const auto first = std::count(image.values.begin(), image.values.begin() + 1200, 1);
    EXPECT_EQ(std::count(image.values.begin() + 1200, image.values.end(), 2), first);
    EXPECT_EQ(std::count(image.values.begin(), image.values.end(), 9), 2400 - 2 * first);
    EXPECT_GT(first, 1200 * 0.015);
    EXPECT_LT(first, 1200 * 0.37);
  }
}

TEST(RandAugmentTest, KeepsTheSizeOfPicturesOfAnyShape) {
  auto random = generator_for({2});
  for (int n = 0; n < 500; ++n) {
    const int channels = n % 2 == 0 ? 1 : 3, height = 1 + n % 7, width = 1 + n % 11;
    Planes image{.channels = channels, .height = height, .width = width, .values = {}};
    for (int i = 0; i < channels * height * width; ++i)
      image.values.push_back(static_cast<uint8_t>(i * 31));
    rand_augment(image, 3, n % 11, random);
    EXPECT_EQ(image.values.size(), static_cast<size_t>(channels * height * width));
  }
}

TEST(RandAugmentTest, OfMagnitudeZeroOnlyStretchesContrast) {
  // Black and white are already as far apart as can be: all operations leave them.
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Planes image{.channels = 1, .height = 2, .width = 2, .values = {0, 255, 255, 0}};
    auto random = generator_for({seed});
    rand_augment(image, 2, 0, random);
    EXPECT_THAT(image.values, ElementsAre(0, 255, 255, 0)) << seed;
  }
}

TEST(RandAugmentTest, AGreyColourPictureStaysGrey) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Planes image{.channels = 3, .height = 3, .width = 4, .values = {}};
    for (int i = 0; i < 36; ++i) image.values.push_back(static_cast<uint8_t>(i % 12 * 20));
    auto random = generator_for({seed});
    rand_augment(image, 2, 10, random);
    for (size_t i = 0; i < 12; ++i) EXPECT_EQ(image.values[i], image.values[24 + i]) << seed;
  }
}

TEST(AugmentTest, OptionsOutOfRangeAreNamed) {
  for (const AugmentOptions& options :
       {AugmentOptions{.crop_padding = -1}, AugmentOptions{.rand_augment = 15},
        AugmentOptions{.magnitude = 11}, AugmentOptions{.random_erasing = 1.5}})
    EXPECT_THROW(check(options), std::invalid_argument);
}

}  // namespace
}  // namespace zoo::testing
