// What attend refuses, and that it says so in one line that helps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/attention/attend.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::torch_error_of;

torch::Tensor tensor(at::IntArrayRef shape) { return torch::zeros(shape); }

class AttendErrorsTest : public ::testing::Test {
 protected:
  static std::string with_tensors(const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v) {
    return torch_error_of([&] { attend("matmul", q, k, v); });
  }
  /// B = 2, H = 4, T = 3, S = 5.
  static std::string with_args(const AttendArgs& args) {
    return torch_error_of([&] {
      attend("matmul", tensor({2, 4, 3, 8}), tensor({2, 2, 5, 8}), tensor({2, 2, 5, 8}), args);
    });
  }
};

TEST_F(AttendErrorsTest, TensorsHaveFourDimensions) {
  EXPECT_THAT(
      with_tensors(tensor({3, 8}), tensor({1, 1, 3, 8}), tensor({1, 1, 3, 8})),
      HasSubstr("attend: q, k and v must be [batch, heads, length, head width], got [3, 8], "
                "[1, 1, 3, 8] and [1, 1, 3, 8]"));
}

TEST_F(AttendErrorsTest, KeysAndValuesHaveOneShape) {
  EXPECT_THAT(with_tensors(tensor({1, 1, 3, 8}), tensor({1, 1, 3, 8}), tensor({1, 1, 4, 8})),
              HasSubstr("attend: k and v must have one shape, got [1, 1, 3, 8] and [1, 1, 4, 8]"));
}

TEST_F(AttendErrorsTest, QueriesAndKeysAgreeInBatchAndWidth) {
  const auto message = HasSubstr("attend: q and k must agree in batch and head width, got");
  EXPECT_THAT(with_tensors(tensor({2, 1, 3, 8}), tensor({1, 1, 3, 8}), tensor({1, 1, 3, 8})),
              message);
  EXPECT_THAT(with_tensors(tensor({1, 1, 3, 4}), tensor({1, 1, 3, 8}), tensor({1, 1, 3, 8})),
              message);
}

TEST_F(AttendErrorsTest, KeyValueHeadsDivideQueryHeads) {
  EXPECT_THAT(with_tensors(tensor({1, 4, 3, 8}), tensor({1, 3, 3, 8}), tensor({1, 3, 3, 8})),
              HasSubstr("attend: key-value heads must divide query heads, got 3 and 4"));
  EXPECT_THAT(with_tensors(tensor({1, 4, 3, 8}), tensor({1, 0, 3, 8}), tensor({1, 0, 3, 8})),
              HasSubstr("got 0 and 4"));
}

TEST_F(AttendErrorsTest, TensorsShareOneFloatingPointType) {
  const auto message = HasSubstr("attend: q, k and v must share one floating-point type, got");
  const auto q = tensor({1, 1, 3, 8});
  EXPECT_THAT(with_tensors(q, q.to(torch::kDouble), q), message);
  EXPECT_THAT(with_tensors(q, q, q.to(torch::kHalf)), message);
  const auto whole = q.to(torch::kLong);
  EXPECT_THAT(with_tensors(whole, whole, whole), message);
}

TEST_F(AttendErrorsTest, TensorsAreOnOneDevice) {
  const auto q = tensor({1, 1, 3, 8});
  const auto elsewhere = torch::empty({1, 1, 3, 8}, torch::kMeta);
  EXPECT_THAT(with_tensors(q, elsewhere, elsewhere),
              HasSubstr("attend: q, k and v must be on one device, got cpu, meta and meta"));
}

TEST_F(AttendErrorsTest, RowsHaveOneWholeNumberEach) {
  EXPECT_THAT(with_args({.query_start = torch::zeros({3}, torch::kLong)}),
              AllOf(HasSubstr("attend: query_start must be int64 [2], got"), HasSubstr("[3]")));
  EXPECT_THAT(with_args({.query_start = torch::zeros({2}, torch::kInt)}),
              AllOf(HasSubstr("attend: query_start must be int64 [2], got"), HasSubstr("int")));
  EXPECT_THAT(with_args({.key_lengths = torch::zeros({2, 1}, torch::kLong)}),
              HasSubstr("attend: key_lengths must be int64 [2], got"));
}

TEST_F(AttendErrorsTest, AWindowHoldsAtLeastOneKey) {
  EXPECT_THAT(with_args({.window = 0}), HasSubstr("attend: window must be at least 1, got 0"));
  EXPECT_THAT(with_args({.window = -4}), HasSubstr("got -4"));
}

TEST_F(AttendErrorsTest, PrefixesAreOneNumberARow) {
  EXPECT_THAT(with_args({.causal = true, .prefix_lengths = torch::zeros({3}, torch::kLong)}),
              HasSubstr("attend: prefix_lengths must be int64 [2], got"));
}

TEST_F(AttendErrorsTest, GlobalTokensAreANumber) {
  EXPECT_THAT(with_args({.window = 2, .global_tokens = -1}),
              HasSubstr("attend: global_tokens must be 0 or more, got -1"));
}

TEST_F(AttendErrorsTest, ALayoutCoversTheKeys) {
  const auto layout = [](at::IntArrayRef shape) { return torch::ones(shape, torch::kBool); };
  EXPECT_THAT(with_args({.block_layout = layout({1, 1})}),
              HasSubstr("attend: block_layout needs a block_size of at least 1, got 0"));
  EXPECT_THAT(with_args({.block_layout = layout({2, 2}), .block_size = 2}),
              HasSubstr("attend: block_layout must cover 5 keys, got 2 blocks of 2"));
  for (const auto& wrong : {layout({3}), layout({2, 3, 3}), layout({0, 3}), torch::ones({3, 3})}) {
    EXPECT_THAT(with_args({.block_layout = wrong, .block_size = 2}),
                AllOf(HasSubstr("attend: block_layout must be bool [blocks of queries, blocks of "
                                "keys], or one for each of 4 heads, got"),
                      HasSubstr("[")));
  }
}

TEST_F(AttendErrorsTest, DropoutIsAProbability) {
  EXPECT_THAT(with_args({.dropout = -0.1}),
              HasSubstr("attend: dropout must be between 0 and 1, got -0.1"));
  EXPECT_THAT(with_args({.dropout = 1.5}), HasSubstr("got 1.5"));
  EXPECT_THAT(with_args({.dropout = NAN}), HasSubstr("got nan"));
}

TEST_F(AttendErrorsTest, MasksAreBool) {
  EXPECT_THAT(with_args({.may_attend = torch::zeros({3, 5})}),
              AllOf(HasSubstr("attend: may_attend must be bool (true: may attend), got float"),
                    HasSubstr("pass an additive mask as bias")));
}

TEST_F(AttendErrorsTest, MasksAndBiasesBroadcastToTheScores) {
  EXPECT_THAT(with_args({.may_attend = torch::ones({5, 3}, torch::kBool)}),
              HasSubstr("attend: may_attend must broadcast to [2, 4, 3, 5], got [5, 3]"));
  EXPECT_THAT(with_args({.may_attend = torch::ones({1, 2, 4, 3, 5}, torch::kBool)}),
              HasSubstr("attend: may_attend must broadcast to [2, 4, 3, 5]"));
  EXPECT_THAT(with_args({.bias = torch::ones({2, 5})}),
              AllOf(HasSubstr("attend: bias must be floating-point and broadcast to [2, 4, 3, 5]"),
                    HasSubstr("[2, 5]")));
  EXPECT_THAT(with_args({.bias = torch::ones({3, 5}, torch::kLong)}),
              HasSubstr("attend: bias must be floating-point"));
}

TEST_F(AttendErrorsTest, RelativeBiasHasAnEntryForEveryDistance) {
  EXPECT_THAT(with_args({.relative_bias = torch::ones({4, 8})}),
              HasSubstr("attend: relative_bias must be floating-point [4, 7], got float [4, 8]"));
  EXPECT_THAT(with_args({.relative_bias = torch::ones({2, 7})}), HasSubstr("got float [2, 7]"));
  EXPECT_THAT(with_args({.relative_bias = torch::ones({4, 7}, torch::kLong)}),
              HasSubstr("attend: relative_bias must be floating-point"));
}

TEST_F(AttendErrorsTest, HeadGateHasAnEntryForEveryHead) {
  EXPECT_THAT(with_args({.head_gate = torch::ones({2})}),
              HasSubstr("attend: head_gate must be [4] or [2, 4], got [2]"));
  EXPECT_THAT(with_args({.head_gate = torch::ones({4, 2})}), HasSubstr("got [4, 2]"));
}

TEST_F(AttendErrorsTest, AnUnknownKernelIsAnsweredWithTheKnown) {
  EXPECT_THAT(torch_error_of([] { attention_kernel("fast"); }),
              AllOf(HasSubstr("attention: unknown kernel 'fast'; known are: "), HasSubstr("matmul"),
                    HasSubstr("torch")));
}

TEST_F(AttendErrorsTest, TheTorchKernelHasNoWeightsToShow) {
  torch::Tensor weights;
  const auto q = tensor({1, 1, 3, 8});
  const auto message = torch_error_of([&] { attend("torch", q, q, q, {.weights = &weights}); });
  EXPECT_THAT(message, HasSubstr("attention kernel 'torch': it never forms the attention weights; "
                                 "use kernel 'matmul' for them"));
  EXPECT_FALSE(weights.defined());
}

TEST_F(AttendErrorsTest, EveryKernelHasANameAndALineAboutItself) {
  const auto names = attention_kernel_names();
  ASSERT_THAT(names, ::testing::IsSupersetOf({"matmul", "torch"}));
  for (const auto& name : names) {
    EXPECT_EQ(attention_kernel(name).name(), name);
    EXPECT_FALSE(attention_kernel(name).summary().empty());
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1);
  }
}

}  // namespace
}  // namespace zoo
