// Keys in several ranges: prefixes, global tokens, layouts; over whole tiles, and what is skipped.
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <functional>

#include "models/attention/block_layout.h"
#include "models/attention/kernels/segments.h"
#include "models/attention/mask.h"
#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/kernel_support.h"

namespace zoo {
namespace {

using testing::ids;
using testing::random_case;

struct Restriction {
  std::string name;
  AttendArgs args;
};

AttendArgs with_layout(AttendArgs args, const BlockLayoutOptions& options, int64_t S) {
  args.block_layout = block_layout(options, S);
  args.block_size = options.size;
  return args;
}

/// For S keys and three rows.
std::vector<Restriction> restrictions(int64_t S) {
  const auto rows = ids({S, S / 2, 3});
  std::vector<Restriction> all{
      {"prefix", {.causal = true, .prefix_lengths = rows}},
      {"prefix and window", {.causal = true, .prefix_lengths = rows, .window = 20}},
      {"sinks", {.causal = true, .window = 9, .global_tokens = 4}},
      {"many sinks", {.causal = true, .window = 30, .global_tokens = 70}},
      {"longformer", {.window = 17, .global_tokens = 3, .key_lengths = rows}},
      {"prefix and sinks",
       {.causal = true, .prefix_lengths = rows, .window = 5, .global_tokens = 2}}};
  for (const auto pattern :
       {BlockPattern::kStrided, BlockPattern::kFixed, BlockPattern::kBigBird}) {
    for (const int64_t size : {1, 7, 16, 64}) {
      for (const bool causal : {true, false}) {
        const BlockLayoutOptions options{.pattern = pattern, .size = size, .random_blocks = 1};
        AttendArgs args{.causal = causal};
        if (size == 7) args.key_lengths = rows;
        if (size == 16) args.window = 40, args.global_tokens = 5;
        all.push_back({std::string(name_of(pattern)) + " of " + std::to_string(size),
                       with_layout(args, options, S)});
      }
    }
  }
  AttendArgs heads{.causal = true, .block_layout = torch::rand({4, 9, 20}) < 0.4, .block_size = 13};
  all.push_back({"layouts of heads", heads});
  heads.causal = false;
  all.push_back({"full layouts of heads", heads});
  return all;
}

class AttendSegmentsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(41); }
};

TEST_P(AttendSegmentsTest, EqualTheDefinitionOverTiles) {
  for (const auto& [T, S] : std::vector<std::pair<int64_t, int64_t>>{
           {150, 150}, {65, 130}, {7, 200}, {1, 140}, {130, 70}}) {
    for (const Restriction& restriction : restrictions(S)) {
      SCOPED_TRACE(restriction.name + ", T " + std::to_string(T) + ", S " + std::to_string(S));
      auto c = random_case(3, 4, 2, T, S, 5, restriction.args);
      if (T % 2 == 1) c.args.relative_bias = torch::randn({4, T + S - 1});
      if (T == 7) c.args.query_start = ids({S - 7, 20, 0});
      testing::expect_as_exact_as_torch(GetParam(), c);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendSegmentsTest,
                         ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

/// The arguments of a call as kernels see them, for what they iterate over.
KernelArgs<float> pointers(const AttendArgs& args, int64_t T, int64_t S) {
  KernelArgs<float> out;
  out.B = out.H = out.Hkv = 1, out.T = T, out.S = S;
  out.causal = args.causal;
  out.window = args.window.value_or(out.kNoWindow);
  out.global_tokens = args.global_tokens;
  if (args.prefix_lengths.defined()) out.prefix_lengths = args.prefix_lengths.data_ptr<int64_t>();
  if (args.block_layout.defined()) {
    out.block_layout = {args.block_layout.data_ptr<bool>(), 0, args.block_layout.size(0),
                        args.block_layout.size(1), args.block_size};
  }
  return out;
}

/// Pairs of `count` queries each with the keys that their segments show to some of them.
int64_t computed_pairs(const KernelArgs<float>& args, int64_t count) {
  int64_t pairs = 0;
  for (int64_t first = 0; first < args.T; first += count) {
    const QueryBlock of{0, 0, first, std::min(count, args.T - first)};
    for_each_segment(args, of, [&](KeyRange segment) {
      const KeyRange keys = keys_of_any(args, of, segment);
      if (!keys.empty()) pairs += of.count * (keys.end - keys.begin);
    });
  }
  return pairs;
}

TEST(SegmentsTest, AQueryVisitsWhatItSeesAndNothingElse) {
  for (const Restriction& restriction : restrictions(150)) {
    AttendArgs args = restriction.args;
    if (args.block_layout.defined() && args.block_layout.dim() == 3) continue;
    args.key_lengths = torch::Tensor();
    if (args.prefix_lengths.defined()) args.prefix_lengths = ids({70});
    const auto seen = dense_mask(args, 150, 150, torch::kCPU).sum().item<int64_t>();
    EXPECT_EQ(computed_pairs(pointers(args, 150, 150), 1), seen) << restriction.name;
  }
}

TEST(SegmentsTest, TilesSkipWhatLiesBetween) {
  constexpr int64_t T = 8192, kTile = 64;
  const auto share = [](const AttendArgs& args) {
    const double full =
        static_cast<double>(computed_pairs(pointers({.causal = true}, T, T), kTile));
    return static_cast<double>(computed_pairs(pointers(args, T, T), kTile)) / full;
  };
  const double window = share({.causal = true, .window = 256});
  EXPECT_LT(window, 0.08);
  EXPECT_LT(share({.causal = true, .window = 256, .global_tokens = 4}), window + 0.002);
  EXPECT_LT(share({.window = 256, .global_tokens = 4}), 2 * window + 0.02);
  const BlockLayoutOptions bigbird{.pattern = BlockPattern::kBigBird};
  EXPECT_LT(share(with_layout({.causal = true}, bigbird, T)), 0.08);
  const BlockLayoutOptions strided{.pattern = BlockPattern::kStrided, .window_blocks = 8};
  EXPECT_LT(share(with_layout({.causal = true}, strided, T)), 0.25);
}

}  // namespace
}  // namespace zoo
