#include "models/pretrained/format/usual_stack.h"

#include <string>

namespace zoo {

void expect_usual_stack(const StackOptions& options, Demands& demands, std::string_view prefix,
                        bool any_qkv_bias) {
  StackOptions o = options;
  resolve(o);
  const auto expect = [&](bool holds, std::string_view demand) {
    demands.expect(holds, std::string(prefix) + std::string(demand));
  };
  expect(o.norm == NormKind::kLayer, "norm layer");
  expect(o.norm_bias, "norm-bias true");
  expect(o.attention_bias, "attention-bias true");
  expect(o.qkv_bias || any_qkv_bias, "qkv-bias true");
  expect(o.out_bias, "out-bias true");
  expect(o.feed_forward_bias, "feed-forward-bias true");
  expect(o.kv_heads == o.heads, "kv-heads as heads");
  expect(o.head_width * o.heads == o.d_model, "head-width d-model / heads");
  expect(o.scale_attention, "scale-attention true");
  expect(o.scale_width == 0 || o.scale_width == o.head_width, "scale-width 0");
  expect(!o.scale_by_layer, "scale-by-layer false");
  expect(!o.qk_norm, "qk-norm false");
  expect(o.window == 0, "window 0");
  expect(o.attention_blocks == BlockPattern::kNone, "attention-blocks none");
  expect(o.score_cap == 0, "score-cap 0");
  expect(o.experts == 0, "experts 0");
  expect(!has_mixers(o), "mixer softmax");
  expect(o.latent_width == 0, "latent-width 0");
  expect(o.parallel == ParallelBranches::kNone, "parallel none");
  expect(!o.reversible, "reversible false");
  expect(o.layer_scale == 0.0, "layer-scale 0");
}

}  // namespace zoo
