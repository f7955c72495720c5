// The block logic of the CUDA rungs on an emulated block, against the reference: what can be known
// without a GPU.
#include <gtest/gtest.h>

#include <limits>

#include "models/attention/kernels/plain_kernel.h"
#include "tests/models/attention_reference.h"
#include "tests/models/block_emulation.h"

namespace zoo {
namespace {

using cuda::Pass;
using cuda::Rung;
using testing::emulate;
using testing::EmulatedBlock;
using testing::random_case;

template <Rung kRung>
class EmulatedKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "emulated"; }
  std::string_view summary() const override { return "a CUDA rung on the CPU"; }
  Abilities abilities() const override { return {.backward = true, .widest = cuda::widest(kRung)}; }
  using PlainKernel::backward;
  using PlainKernel::forward;
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    emulate(cuda::grid_of(kRung, Pass::kForward, call),
            [&](EmulatedBlock& block) { cuda::forward<kRung>(block, call, result); });
  }
  void backward(const PlainCall<float>& call, const PlainGradients<float>& g) const override {
    emulate(cuda::grid_of(kRung, Pass::kBackwardQueries, call),
            [&](EmulatedBlock& block) { cuda::backward_queries<kRung>(block, call, g); });
    emulate(cuda::grid_of(kRung, Pass::kBackwardKeys, call),
            [&](EmulatedBlock& block) { cuda::backward_keys<kRung>(block, call, g); });
  }
};

const AttentionKernel& emulated(Rung rung) {
  static const EmulatedKernel<Rung::kNaive> naive;
  static const EmulatedKernel<Rung::kTiled> tiled;
  static const EmulatedKernel<Rung::kWarps> warps;
  switch (rung) {
    case Rung::kNaive:
      return naive;
    case Rung::kTiled:
      return tiled;
    case Rung::kWarps:
      break;
  }
  return warps;
}

torch::Tensor ids(std::vector<int64_t> values) { return torch::tensor(values, torch::kLong); }

class CudaBlocksTest : public ::testing::TestWithParam<Rung> {
 protected:
  void SetUp() override { torch::manual_seed(6); }
  void expect_exact(const testing::AttendCase& c) {
    EXPECT_TRUE(testing::expect_as_exact_as_torch(emulated(GetParam()), c));
  }
};

TEST_P(CudaBlocksTest, PlainCausalAndUnequalLengths) {
  expect_exact(random_case(1, 2, 2, 33, 33, 8));
  expect_exact(random_case(2, 1, 1, 34, 34, 5, {.causal = true}));
  expect_exact(random_case(1, 1, 1, 3, 70, 16, {.causal = true}));
  expect_exact(random_case(1, 1, 1, 67, 3, 4, {.causal = true}));
  expect_exact(random_case(1, 1, 1, 1, 1, 1));
}

TEST_P(CudaBlocksTest, GroupedHeadsAndWideHeads) {
  expect_exact(random_case(1, 4, 2, 20, 40, 33, {.causal = true}));
  expect_exact(random_case(1, 2, 1, 5, 9, 128));
}

TEST_P(CudaBlocksTest, WindowsLengthsAndStarts) {
  expect_exact(random_case(1, 1, 1, 40, 40, 4, {.causal = true, .window = 9}));
  expect_exact(random_case(1, 1, 1, 20, 40, 4, {.window = 5}));
  expect_exact(random_case(
      3, 1, 1, 20, 40, 4,
      {.causal = true, .query_start = ids({0, 20, 7}), .key_lengths = ids({40, 0, 12})}));
}

TEST_P(CudaBlocksTest, MasksBiasesAndDropout) {
  expect_exact(random_case(1, 2, 1, 20, 35, 6,
                           {.causal = true,
                            .may_attend = torch::rand({1, 2, 20, 35}) < 0.6,
                            .bias = torch::randn({20, 35}),
                            .relative_bias = torch::randn({2, 54}),
                            .scale = 0.4,
                            .dropout = 0.3,
                            .dropout_seed = 11}));
}

TEST_P(CudaBlocksTest, ANumberThatIsNoneIsNotSwallowed) {
  auto c = random_case(1, 1, 1, 40, 40, 8);
  c.q[0][0][33].fill_(std::numeric_limits<float>::quiet_NaN());
  const auto y = attend(emulated(GetParam()), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(y.select(2, 33).isnan().all().item<bool>());
  EXPECT_FALSE(y.narrow(2, 0, 33).isnan().any().item<bool>());
}

TEST_P(CudaBlocksTest, HeadsThatAreTooWideAreRefusedByName) {
  const auto c = random_case(1, 1, 1, 2, 2, 129);
  const std::string why = emulated(GetParam()).refuses(c.q, c.k, c.v, c.args);
  EXPECT_EQ(why.empty(), GetParam() == Rung::kNaive) << why;
}

std::string name_of(const ::testing::TestParamInfo<Rung>& info) {
  switch (info.param) {
    case Rung::kNaive:
      return "naive";
    case Rung::kTiled:
      return "tiled";
    case Rung::kWarps:
      break;
  }
  return "warps";
}

INSTANTIATE_TEST_SUITE_P(Rungs, CudaBlocksTest,
                         ::testing::Values(Rung::kNaive, Rung::kTiled, Rung::kWarps), name_of);

}  // namespace
}  // namespace zoo
