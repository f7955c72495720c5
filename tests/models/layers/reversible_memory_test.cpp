// What a training step of reversible layers holds, counted by the allocator.
#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>

#include "infer/comparison/memory_meter.h"
#include "models/gpt/gpt.h"

namespace zoo {
namespace {

/// Bytes of forward and backward at the most: activations, beside which 4 KB of weights a layer do
/// not count.
double peak_of_a_step(int64_t layers, bool reversible, const char* mixer_pattern) {
  GptOptions o;
  o.vocab_size = 11;
  o.context = 600;
  o.layers = layers;
  o.d_model = 8;
  o.heads = 2;
  o.attention = "flash";
  o.reversible = reversible;
  o.mixer_pattern = mixer_pattern;
  o.residual_dropout = 0.1;
  torch::manual_seed(3);
  Gpt gpt(o);
  const auto tokens = torch::randint(11, {2, 600}, torch::kLong);
  const MemoryMeter meter;
  gpt->forward(tokens).square().mean().backward();
  return static_cast<double>(meter.peak());
}

TEST(ReversibleMemoryTest, DoesNotGrowWithTheNumberOfLayers) {
  for (const char* mixers : {"", "reformer"}) {
    const double two = peak_of_a_step(2, true, mixers), twelve = peak_of_a_step(12, true, mixers);
    EXPECT_LT(twelve, 1.25 * two) << mixers;
    EXPECT_GT(peak_of_a_step(12, false, mixers), 3 * peak_of_a_step(2, false, mixers)) << mixers;
  }
}

}  // namespace
}  // namespace zoo
