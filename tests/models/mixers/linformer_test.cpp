// Linformer against exact attention, and what it refuses.
#include "models/mixers/linformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/attention/attend.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

TEST(LinformerTest, IdentitiesGiveExactAttention) {
  torch::manual_seed(1);
  const auto normal = [] { return torch::randn({2, 3, 9, 4}, torch::kDouble); };
  const auto q = normal(), k = normal(), v = normal();
  const auto I = torch::eye(9, torch::kDouble);
  EXPECT_TRUE(
      torch::allclose(linformer_attention(q, k, v, I, I), attend("matmul", q, k, v), 1e-10, 1e-10));
}

TEST(LinformerTest, IsAttentionOverProjectedKeys) {
  torch::manual_seed(2);
  const auto normal = [](at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); };
  const auto q = normal({2, 3, 7, 4}), k = normal({2, 3, 7, 4}), v = normal({2, 3, 7, 4});
  const auto E = normal({3, 9}), F = normal({3, 9});
  const auto project = [](const torch::Tensor& m, const torch::Tensor& t) {
    return torch::einsum("ks,bhsd->bhkd", {m.narrow(1, 0, 7), t});
  };
  const auto weights =
      (torch::einsum("bhtd,bhkd->bhtk", {q, project(E, k)}) / 2.0).softmax(-1);  // Eq. 7
  EXPECT_TRUE(torch::allclose(linformer_attention(q, k, v, E, F),
                              torch::matmul(weights, project(F, v)), 1e-10, 1e-10));
}

TEST(LinformerTest, RefusesWhatItCannotDo) {
  LinformerMixer layer({.d_model = 8, .heads = 2, .positions = 6});
  EXPECT_EQ(layer.options.projected, 1);
  EXPECT_THAT(torch_error_of([&] {
                layer.forward(torch::zeros({1, 7, 8}), {.causal = false});
              }),
              HasSubstr("the text must be at most 6 tokens long (positions), got 7"));
  EXPECT_THAT(torch_error_of([&] {
                layer.forward(torch::zeros({1, 4, 8}));
              }),
              HasSubstr("mixer 'linformer': cannot look back only (causal)"));
  EXPECT_THAT(torch_error_of([&] { layer.make_state(1, {}); }), HasSubstr("no state to step"));
}

}  // namespace
}  // namespace zoo
