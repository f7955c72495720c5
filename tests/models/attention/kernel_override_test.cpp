#include "models/attention/kernel_override.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "models/transformer/transformer.h"

namespace zoo {
namespace {

std::vector<std::string> kernels_of(torch::nn::Module& model) {
  std::vector<std::string> names;
  for (const auto& module : model.modules())
    if (const auto* layer = module->as<MultiHeadAttentionImpl>())
      names.push_back(layer->options.kernel);
  return names;
}

Transformer model_with(const std::string& kernel) {
  auto options = TransformerOptions::tiny();
  options.vocab_size = 7;
  options.attention = kernel;
  return Transformer(options);
}

TEST(KernelOverrideTest, EveryLayerRunsWithItAndThenWithItsOwnAgain) {
  auto model = model_with("flash");
  const auto own = kernels_of(*model);
  ASSERT_GT(own.size(), 2U);  // self-attention and cross-attention
  {
    const KernelOverride other(*model, "matmul");
    EXPECT_EQ(kernels_of(*model), std::vector<std::string>(own.size(), "matmul"));
  }
  EXPECT_EQ(kernels_of(*model), own);
}

TEST(KernelOverrideTest, AnErrorLeavesTheModelAsItWas) {
  auto model = model_with("flash");
  const auto own = kernels_of(*model);
  EXPECT_ANY_THROW(KernelOverride(*model, "no such kernel"));
  EXPECT_EQ(kernels_of(*model), own);
  try {
    const KernelOverride other(*model, "matmul");
    throw std::runtime_error("in between");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(kernels_of(*model), own);
}

}  // namespace
}  // namespace zoo
