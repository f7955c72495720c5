// The block code of the CUDA kernels against the reference: on an emulated block, and on the GPU in
// a build for CUDA that finds one.
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "models/attention/attend.h"
#include "models/attention/kernels/pointer_kernel.h"
#include "models/device.h"
#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/block_emulation.h"
#include "tests/models/attention/hidden_numbers.h"

namespace zoo {
namespace {

using cuda::Pass;
using cuda::Variant;
using testing::emulate;
using testing::EmulatedBlock;
using testing::ids;
using testing::random_case;

class EmulatedKernel final : public PointerKernel {
 public:
  explicit EmulatedKernel(Variant variant) : variant_(variant) {}

  std::string_view name() const override { return "emulated"; }
  std::string_view summary() const override { return "a CUDA kernel on the CPU"; }
  Abilities abilities() const override {
    return {.backward = true,
            .halves = cuda::is_16_bit(variant_),
            .max_head_width = cuda::max_head_width(variant_)};
  }
  using PointerKernel::backward;
  using PointerKernel::forward;
  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    run<Pass::kForward>(args, outputs);
  }
  void forward(const KernelArgs<float, BFloat16Bits>& args,
               const KernelOutputs<float, BFloat16Bits>& outputs) const override {
    run<Pass::kForward>(args, outputs);
  }
  void forward(const KernelArgs<float, Float16Bits>& args,
               const KernelOutputs<float, Float16Bits>& outputs) const override {
    run<Pass::kForward>(args, outputs);
  }
  void backward(const KernelArgs<float>& args,
                const KernelGradients<float>& gradients) const override {
    run_backward(args, gradients);
  }
  void backward(const KernelArgs<float, BFloat16Bits>& args,
                const KernelGradients<float, BFloat16Bits>& gradients) const override {
    run_backward(args, gradients);
  }
  void backward(const KernelArgs<float, Float16Bits>& args,
                const KernelGradients<float, Float16Bits>& gradients) const override {
    run_backward(args, gradients);
  }

 private:
  template <Pass kPass, class Entry, class Output>
  void run(const KernelArgs<float, Entry>& args, const Output& output) const {
    cuda::with_variant<Entry>(variant_, args.Dh, [&](auto chosen) {
      using Chosen = decltype(chosen);
      emulate(Chosen::grid(kPass, args),
              [&](EmulatedBlock& block) { cuda::run_thread<Chosen, kPass>(block, args, output); });
    });
  }
  template <class Entry>
  void run_backward(const KernelArgs<float, Entry>& args,
                    const KernelGradients<float, Entry>& gradients) const {
    run<Pass::kBackwardQueries>(args, gradients);
    run<Pass::kBackwardKeys>(args, gradients);
  }

  Variant variant_;
};

/// A kernel under test: emulated, or on the GPU.
struct Subject {
  std::string name;
  const AttentionKernel* kernel;
  torch::Device device;
  torch::Dtype dtype;
};
void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

std::vector<Subject> subjects() {
  static const EmulatedKernel naive(Variant::kNaive), tiled(Variant::kTiled),
      warps(Variant::kWarps), tensor(Variant::kTensor);
  std::vector<Subject> all{{"naive", &naive, torch::kCPU, torch::kFloat},
                           {"tiled", &tiled, torch::kCPU, torch::kFloat},
                           {"warps", &warps, torch::kCPU, torch::kFloat},
                           {"tensor_bfloat16", &tensor, torch::kCPU, torch::kBFloat16},
                           {"tensor_float16", &tensor, torch::kCPU, torch::kHalf}};
  const torch::Device gpu = find_device("auto");
  if (gpu.is_cpu()) return all;
  for (const char* name : {"naive", "tiled", "warps"}) {
    all.push_back({std::string("gpu_") + name, &attention_kernel(std::string("cuda-") + name), gpu,
                   torch::kFloat});
  }
  const auto& on_gpu = attention_kernel("cuda-tensor");
  const auto q = torch::empty({1, 1, 1, 1}, torch::device(gpu).dtype(torch::kHalf));
  if (!on_gpu.refuses(q, q, q, {}).empty()) return all;  // an older GPU
  all.push_back({"gpu_tensor_bfloat16", &on_gpu, gpu, torch::kBFloat16});
  all.push_back({"gpu_tensor_float16", &on_gpu, gpu, torch::kHalf});
  return all;
}

class AutocastOn {
 public:
  explicit AutocastOn(torch::DeviceType device) : device_(device) {
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  }
  ~AutocastOn() { at::autocast::set_autocast_enabled(device_, false); }
  AutocastOn(const AutocastOn&) = delete;
  AutocastOn& operator=(const AutocastOn&) = delete;

 private:
  torch::DeviceType device_;
};

class CudaBlocksTest : public ::testing::TestWithParam<Subject> {
 protected:
  void SetUp() override { torch::manual_seed(6); }
  testing::AttendCase here(const testing::AttendCase& c) {
    return testing::moved(c, GetParam().device, GetParam().dtype);
  }
  /// The output and the gradients of one call.
  static testing::AttendResult run(const testing::AttendCase& c) {
    const auto leaf = [](const torch::Tensor& t) { return t.clone().requires_grad_(true); };
    const auto q = leaf(c.q), k = leaf(c.k), v = leaf(c.v);
    const auto y = attend(*GetParam().kernel, q, k, v, c.args);
    y.backward(c.upstream);
    return {.y = y.detach(), .dq = q.grad(), .dk = k.grad(), .dv = v.grad()};
  }
  void expect_exact(const testing::AttendCase& c) {
    EXPECT_TRUE(testing::expect_as_exact_as_torch(*GetParam().kernel, here(c)));
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

TEST_P(CudaBlocksTest, StridedHeads) {
  auto c = random_case(2, 2, 2, 20, 20, 24, {.causal = true});
  for (torch::Tensor* t : {&c.q, &c.k, &c.v, &c.upstream})
    *t = t->transpose(1, 2).contiguous().transpose(1, 2);  // in memory [B, T, H, Dh]
  expect_exact(c);
}

TEST_P(CudaBlocksTest, UnalignedRows) {
  auto c = random_case(1, 2, 2, 35, 35, 16);
  for (torch::Tensor* t : {&c.q, &c.k, &c.v, &c.upstream})
    *t = torch::cat({*t, *t}, 3).narrow(3, 3, 16);  // not at a multiple of 16 bytes
  expect_exact(c);
}

TEST_P(CudaBlocksTest, SeveralTilesOfQueriesKeysAndColumns) {
  expect_exact(random_case(1, 2, 1, 66, 70, 40, {.causal = true}));
  expect_exact(random_case(1, 1, 1, 70, 34, 72));
}

TEST_P(CudaBlocksTest, WholeTilesOfEveryWidth) {
  expect_exact(random_case(1, 2, 1, 65, 65, 32, {.causal = true}));
  expect_exact(random_case(1, 1, 1, 64, 130, 64));
  expect_exact(random_case(1, 1, 1, 66, 64, 128, {.causal = true}));
}

TEST_P(CudaBlocksTest, WholeTilesOfUnalignedRows) {
  for (const int64_t pitch : {128, 68}) {  // the first row begins off 16 bytes, the others as well
    auto c = random_case(1, 1, 1, 64, 64, 64);
    for (torch::Tensor* t : {&c.q, &c.k, &c.v, &c.upstream})
      *t = torch::cat({*t, torch::zeros({1, 1, 64, pitch - 64})}, 3);
    c = here(c);
    for (torch::Tensor* t : {&c.q, &c.k, &c.v, &c.upstream})
      *t = t->narrow(3, pitch == 128 ? 3 : 0, 64);
    EXPECT_TRUE(testing::expect_as_exact_as_torch(*GetParam().kernel, c));
  }
}

TEST_P(CudaBlocksTest, AQueryThatSeesNothingIsZeroBesideOneThatSeesInfinity) {
  auto c = random_case(1, 1, 1, 2, 2, 8, {.causal = true, .query_start = ids({-1})});
  c.v[0][0][0].fill_(std::numeric_limits<float>::infinity());
  c = here(c);
  const auto y = attend(*GetParam().kernel, c.q, c.k, c.v, c.args);
  EXPECT_TRUE(y.select(2, 0).eq(0).all().item<bool>());
}

TEST_P(CudaBlocksTest, NanReachesTheOutput) {
  auto c = random_case(1, 1, 1, 40, 40, 8);
  c.q[0][0][33].fill_(std::numeric_limits<float>::quiet_NaN());
  c = here(c);
  const auto y = attend(*GetParam().kernel, c.q, c.k, c.v, c.args);
  EXPECT_TRUE(y.select(2, 33).isnan().all().item<bool>());
  EXPECT_FALSE(y.narrow(2, 0, 33).isnan().any().item<bool>());
}

TEST_P(CudaBlocksTest, HiddenNanChangesNothing) {
  const double tolerance = GetParam().dtype == torch::kFloat ? 1e-5 : 4e-2;
  for (const auto& [T, S] : std::vector<std::pair<int64_t, int64_t>>{{3, 40}, {70, 70}}) {
    for (const auto& hidden : testing::hidden_cases(T, S, 8)) {
      const AttendArgs& args = hidden.clean.args;
      if (args.score_cap > 0.0 || args.global_tokens > 0 || args.block_layout.defined())
        continue;  // refused
      testing::expect_hidden(hidden, run(here(hidden.dirty)), run(here(hidden.clean)), tolerance);
    }
  }
}

TEST_P(CudaBlocksTest, PaddedQueriesThatAreNanAddNothing) {
  const double tolerance = GetParam().dtype == torch::kFloat ? 1e-5 : 4e-2;
  const auto padded = testing::with_nan_padding(40, 8);
  testing::expect_hidden(padded, run(here(padded.dirty)), run(here(padded.clean)), tolerance);
}

TEST_P(CudaBlocksTest, CapsAndSegmentsAreRefused) {
  const auto c = here(random_case(1, 1, 1, 2, 2, 8));
  const auto refusal = [&](const AttendArgs& args) {
    return GetParam().kernel->refuses(c.q, c.k, c.v, args);
  };
  EXPECT_EQ(refusal({.score_cap = 2.0}), "it caps no scores; use kernel 'matmul'");
  const char* const segments =
      "it takes no global tokens and no block layouts; use kernel 'matmul'";
  EXPECT_EQ(refusal({.window = 1, .global_tokens = 1}), segments);
  const auto layout = torch::ones({1, 1}, torch::kBool);
  EXPECT_EQ(refusal({.block_layout = layout, .block_size = 2}), segments);
  EXPECT_EQ(refusal({.causal = true, .global_tokens = 1}), "");
}

TEST_P(CudaBlocksTest, APrefixIsSeenByAll) {
  for (const auto& [T, S] : std::vector<std::pair<int64_t, int64_t>>{{70, 70}, {5, 40}}) {
    const auto c = random_case(3, 2, 1, T, S, 8,
                               {.causal = true, .prefix_lengths = ids({S, 20, 0}), .window = 9});
    EXPECT_TRUE(testing::expect_as_exact_as_torch(*GetParam().kernel, here(c)));
  }
}

TEST_P(CudaBlocksTest, HeadsThatAreTooWideAreRefusedByName) {
  const auto c = here(random_case(1, 1, 1, 2, 2, 129));
  const std::string why = GetParam().kernel->refuses(c.q, c.k, c.v, c.args);
  EXPECT_EQ(why.empty(), GetParam().name.ends_with("naive")) << why;
}

TEST_P(CudaBlocksTest, OtherTypesAreConvertedAndBack) {
  const auto other = GetParam().dtype == torch::kFloat ? torch::kHalf : torch::kFloat;
  const auto c = testing::moved(random_case(1, 1, 1, 5, 5, 4), GetParam().device, other);
  const auto y = attend(*GetParam().kernel, c.q, c.k, c.v, c.args);
  EXPECT_EQ(y.scalar_type(), other);
  EXPECT_LT((y.cpu().to(torch::kDouble) - testing::reference(c).y).abs().max().item<double>(),
            0.02);
  const auto doubles = testing::moved(c, GetParam().device, torch::kDouble);
  EXPECT_NE(GetParam().kernel->refuses(doubles.q, doubles.k, doubles.v, doubles.args), "");
}

TEST_P(CudaBlocksTest, AutocastChangesNoTypeBetweenForwardAndBackward) {
  const auto c = testing::moved(random_case(1, 1, 1, 5, 5, 4, {.dropout = 0.5, .dropout_seed = 3}),
                                GetParam().device, torch::kBFloat16);
  for (const auto* kernel : {GetParam().kernel, &attention_kernel("matmul")}) {
    const auto q = c.q.clone().requires_grad_(true);
    const AutocastOn autocast(GetParam().device.type());
    const auto y = attend(*kernel, q, c.k, c.v, c.args);
    y.backward(c.upstream);
    EXPECT_EQ(q.grad().scalar_type(), torch::kBFloat16) << kernel->name();
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, CudaBlocksTest, ::testing::ValuesIn(subjects()),
                         [](const ::testing::TestParamInfo<Subject>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace zoo
