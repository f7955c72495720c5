// Lists of heads, what a layer keeps, and that a layer without a head is the layer with that head
// at zero.
#include "models/layers/pruned_heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

using Heads = std::vector<int64_t>;

TEST(PrunedHeadsTest, AListReadsAndWritesInOrder) {
  const HeadsByLayer heads = parse_heads("  2:0 0:3,1 ");
  EXPECT_EQ(heads, (HeadsByLayer{{0, {1, 3}}, {2, {0}}}));
  EXPECT_EQ(heads_text(heads), "0:1,3 2:0");
  EXPECT_TRUE(parse_heads("").empty());
  EXPECT_EQ(heads_text({{1, {}}, {4, {2}}}), "4:2");
}

TEST(PrunedHeadsTest, AnotherFormIsRefusedInOneLine) {
  for (const char* text : {"0", "0:", ":1", "0:1,", "0:1;2", "-1:0", "0:-1", "a:1", "0:1x", "0.5:1",
                           "0: 1", "99999999999999999999:0", "0:,1"}) {
    EXPECT_THAT([&] { parse_heads(text); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("LAYER:HEAD,HEAD")))
        << text;
  }
  EXPECT_THAT([] { parse_heads("0:1,2,1"); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("'0:1,2,1' names head 1 twice")));
  EXPECT_THAT([] { parse_heads("0:1 0:2"); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("layer 0 comes twice")));
}

TEST(PrunedHeadsTest, GroupsGoWholeOrLoseEquallyMany) {
  const auto left = [](HeadCounts whole, const Heads& removed) {
    const HeadCounts counts = heads_left(whole, removed);
    return std::pair(counts.heads, counts.kv_heads);
  };
  EXPECT_EQ(left({4, 4}, {0, 3}), std::pair(2L, 2L));
  EXPECT_EQ(left({6, 2}, {0, 1, 2}), std::pair(3L, 1L));  // a whole group
  EXPECT_EQ(left({6, 2}, {1, 5}), std::pair(4L, 2L));     // one of each
  EXPECT_EQ(left({6, 3}, {0, 1, 2, 4}), std::pair(2L, 2L));
  EXPECT_EQ(left({4, 1}, {1, 2}), std::pair(2L, 1L));
  // A hostile file may promise two billion heads.
  EXPECT_EQ(left({2147483646, 2147483646}, {7}), std::pair(2147483645L, 2147483645L));
  EXPECT_THAT(
      [] {
        heads_left({6, 2}, {1});
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("one would keep 3, another 2")));
  EXPECT_THAT(
      [] {
        heads_left({3, 3}, {0, 1, 2});
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("at least one must stay")));
  EXPECT_THAT(
      [] {
        heads_left({3, 3}, {3});
      },
      ThrowsMessage<std::invalid_argument>(
          HasSubstr("there is no head 3; the layer has heads 0 to 2")));
}

TEST(PrunedHeadsTest, HeadsRemovedLaterAreCountedAmongThoseThatWereLeft) {
  EXPECT_EQ(also_removed({1, 3}, {0, 2}, 6), (Heads{0, 1, 3, 4}));  // left were 0, 2, 4, 5
  EXPECT_EQ(also_removed({}, {2}, 3), (Heads{2}));
}

struct Removal {
  int64_t heads, kv_heads;
  Heads removed;
  bool bias;
};

TEST(PrunedHeadsTest, ALayerWithoutHeadsIsTheLayerWithTheirOutputsAtZero) {
  torch::manual_seed(2);
  for (const auto& [H, Hkv, removed, bias] :
       {Removal{5, 5, {1, 4}, true}, Removal{4, 2, {0, 1}, true}, Removal{6, 2, {2, 3}, false},
        Removal{3, 1, {1}, true}, Removal{2, 2, {}, true}}) {
    MultiHeadAttention layer(MultiHeadAttentionOptions{.d_model = 15,
                                                       .heads = H,
                                                       .kv_heads = Hkv,
                                                       .head_width = 3,
                                                       .bias = bias,
                                                       .out_bias = bias});
    layer->to(torch::kDouble);
    const auto x = torch::randn({2, 7, 15}, torch::kDouble),
               states = torch::randn({2, 4, 15}, torch::kDouble);
    {
      const torch::NoGradGuard no_grad;
      if (bias) layer->out_proj->bias.normal_();
      for (const int64_t head : removed)
        layer->out_proj->weight.narrow(1, head * 3, 3).zero_();  // its output counts for nothing
    }
    const SelfAttentionContext causal{.args = {.causal = true}};
    const auto masked = layer(x, causal).detach();
    const auto crossed = layer->cross(x, layer->project_keys_values(states)).detach();
    remove_heads(*layer, removed);
    EXPECT_EQ(layer->in_proj->weight.size(0),
              (layer->options.heads + 2 * layer->options.kv_heads) * 3);
    EXPECT_EQ(layer->out_proj->weight.size(1), (H - std::ssize(removed)) * 3);
    const auto pruned = layer(x, causal);
    EXPECT_TRUE(pruned.allclose(masked, 0, 1e-12)) << H << " " << Hkv;
    EXPECT_TRUE(layer->cross(x, layer->project_keys_values(states)).allclose(crossed, 0, 1e-12));
    pruned.square().sum().backward();
    for (const auto& parameter : layer->parameters())
      EXPECT_GT(parameter.grad().abs().max().item<double>(), 1e-6);
  }
}

TEST(PrunedHeadsTest, ALayerKeepsItsTypeAndWhatIsFrozen) {
  MultiHeadAttention layer(MultiHeadAttentionOptions{.d_model = 6, .heads = 3});
  layer->to(torch::kDouble);
  layer->eval();
  layer->in_proj->weight.set_requires_grad(false);
  remove_heads(*layer, {2});
  EXPECT_EQ(layer->in_proj->weight.scalar_type(), torch::kDouble);
  EXPECT_FALSE(layer->in_proj->weight.requires_grad());
  EXPECT_TRUE(layer->out_proj->weight.requires_grad());
  EXPECT_FALSE(layer->in_proj->is_training());
  EXPECT_EQ(layer->named_parameters().size(), 4U);
}

}  // namespace
}  // namespace zoo
