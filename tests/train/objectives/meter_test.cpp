#include "train/objectives/meter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

TEST(DeviceSumTest, AddsInDoublePrecisionUnlessToldOtherwise) {
  DeviceSum wide, narrow(std::nullopt);
  const auto one = torch::ones({}), tiny = torch::full({}, 1e-8F);
  for (DeviceSum* sum : {&wide, &narrow}) {
    EXPECT_EQ(sum->value(), 0.0);
    sum->add(one);
    for (int n = 0; n < 100; ++n) sum->add(tiny);
  }
  EXPECT_NEAR(wide.value(), 1.000001, 1e-9);
  EXPECT_EQ(narrow.value(), 1.0);  // what each step adds is lost in float32
}

TEST(MeanMeterTest, WeighsBatchesByTheirTargets) {
  MeanMeter meter;
  EXPECT_TRUE(std::isnan(meter.mean()));
  meter.add(torch::tensor(6.0), 2.0);
  meter.add(torch::tensor(3.0), torch::tensor(1L));
  EXPECT_DOUBLE_EQ(meter.count(), 3.0);
  EXPECT_DOUBLE_EQ(meter.mean(), 3.0);
}

TEST(PredictionMeterTest, BatchesTogetherEqualOneBatch) {
  torch::manual_seed(0);
  const auto logits = torch::randn({4, 3, 5}, torch::kDouble);
  auto targets = torch::randint(0, 5, {4, 3}, torch::kLong);
  targets[0][2] = kIgnored;
  PredictionMeter whole, parts;
  whole.add(logits, targets);
  parts.add(logits.narrow(0, 0, 1), targets.narrow(0, 0, 1));
  parts.add(logits.narrow(0, 1, 3), targets.narrow(0, 1, 3));
  EXPECT_EQ(parts.targets(), 11.0);
  EXPECT_EQ(parts.accuracy(), whole.accuracy());
  for (const auto& [name, value] : whole.metrics())
    EXPECT_NEAR(parts.metrics().at(name), value, 1e-12) << name;
  EXPECT_DOUBLE_EQ(whole.metrics().at("perplexity"), std::exp(whole.loss()));
}

}  // namespace
}  // namespace zoo
