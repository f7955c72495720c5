// Small GPTs that between them use every option: what holds for a GPT is tested on all of them.
#pragma once
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "models/gpt/gpt.h"
#include "tests/models/mixers/tiny_mixers.h"

namespace zoo::testing {

struct NamedGpt {
  std::string name;
  GptOptions options;
};
/// GoogleTest would print the bytes, those that belong to no member included.
inline void PrintTo(const NamedGpt& named, std::ostream* out) { *out << named.name; }

/// V = 17, context 12, L = 2, C = 16, H = 4; weights large enough for every part to matter.
inline GptOptions tiny_gpt() {
  GptOptions o;
  o.vocab_size = 17;
  o.context = 12;
  o.layers = 2;
  o.d_model = 16;
  o.heads = 4;
  o.activation = Activation::kGeluTanh;
  o.init_std = 0.3;
  return o;
}

inline std::vector<NamedGpt> tiny_gpts() {
  const GptOptions gpt2 = tiny_gpt();

  GptOptions grouped = gpt2;
  grouped.kv_heads = 2;
  grouped.norm_bias = grouped.feed_forward_bias = false;
  grouped.activation = Activation::kGelu;

  GptOptions post = gpt2;
  post.position = PositionKind::kSinusoidal;
  post.norm_place = NormPlace::kPost;
  post.activation = Activation::kRelu;
  post.scale_embeddings = true;

  GptOptions unplaced = gpt2;
  unplaced.position = PositionKind::kNone;
  unplaced.norm = NormKind::kRms;
  unplaced.scale_attention = false;
  unplaced.scale_by_layer = true;

  GptOptions llama = gpt2;
  llama.position = PositionKind::kRotary;
  llama.norm = NormKind::kRms;
  llama.activation = Activation::kSwiglu;
  llama.kv_heads = 1;
  llama.head_width = 6;
  llama.norm_bias = llama.attention_bias = llama.feed_forward_bias = false;
  llama.tie_embeddings = false;

  GptOptions stretched = gpt2;
  stretched.position = PositionKind::kRotary;
  stretched.rotary = {.scaling = RotaryScaling::kLlama3, .factor = 4.0, .original_context = 8};

  GptOptions yarn = gpt2;  // a third of six coordinates of a head do not rotate
  yarn.position = PositionKind::kRotary;
  yarn.head_width = 6;
  yarn.rotary = {.share = 0.7,
                 .pairs = RotaryPairs::kNeighbours,
                 .scaling = RotaryScaling::kYarn,
                 .factor = 4.0,
                 .original_context = 8};

  GptOptions neox = gpt2;
  neox.parallel = ParallelBranches::kTwoNorms;
  neox.position = PositionKind::kRotary;
  neox.rotary.share = 0.5;

  GptOptions gemma = llama;
  gemma.norm_place = NormPlace::kSandwich;
  gemma.activation = Activation::kGegluTanh;
  gemma.qk_norm = true;
  gemma.window = 3;
  gemma.window_pattern = "LG";
  gemma.score_cap = 2.0;
  gemma.scale_embeddings = true;
  gemma.scale_width = 5;
  gemma.logit_cap = 1.5;

  GptOptions sinks = gpt2;
  sinks.window = 4;
  sinks.global_tokens = 1;
  sinks.position = PositionKind::kRotary;

  GptOptions blocks = llama;
  blocks.attention_blocks = BlockPattern::kBigBird;
  blocks.attention_block_size = 2;
  blocks.window_blocks = blocks.random_blocks = 1;
  blocks.window_pattern = "LG";

  GptOptions experts = llama;
  experts.experts = 3;
  experts.expert_every = 2;
  experts.shared_experts = 1;

  GptOptions alibi = grouped;
  alibi.position = PositionKind::kAlibi;
  alibi.pruned_heads = "0:1,3";

  GptOptions t5 = llama;
  t5.position = PositionKind::kBucketed;
  t5.relative = {.buckets = 6, .max_distance = 7};
  t5.scale_attention = false;

  GptOptions transformer_xl = grouped;
  transformer_xl.position = PositionKind::kTransformerXl;
  transformer_xl.pruned_heads = "0:1,3";
  transformer_xl.window = 5;
  transformer_xl.window_pattern = "GL";

  GptOptions bloom = alibi;
  bloom.norm_embeddings = true;
  bloom.pruned_heads = {};
  bloom.norm_bias = true;

  GptOptions opt = gpt2;
  opt.norm_place = NormPlace::kPost;
  opt.position_offset = 2;
  opt.embedding_width = 10;

  GptOptions phi = neox;
  phi.parallel = ParallelBranches::kOneNorm;
  phi.tie_embeddings = false;
  phi.output_bias = true;

  GptOptions qwen = llama;
  qwen.attention_bias = true;
  qwen.out_bias = false;

  GptOptions qwen_experts = experts;
  qwen_experts.experts_per_token = 3;
  qwen_experts.expert_every = 1;
  qwen_experts.dense_layers = "0";

  GptOptions pruned = gpt2;
  pruned.pruned_heads = "0:1,3 1:2";

  GptOptions hybrid = llama;  // two kinds of mixers, and softmax attention with its cache
  hybrid.layers = 3;
  hybrid.mixer_pattern = "ssd,softmax,retention";
  hybrid.ssd_state = 5;

  GptOptions latent = gpt2;  // expanded for whole texts, absorbed beside a cache
  latent.position = PositionKind::kRotary;
  latent.latent_width = 9;
  latent.latent_query_width = 7;
  latent.latent_rotary_width = 2;
  latent.norm = NormKind::kRms;

  GptOptions narrow_latent = gpt2;  // so narrow that whole texts are read in the absorbed form
  narrow_latent.latent_width = 3;
  narrow_latent.norm = NormKind::kRms;

  GptOptions pruned_groups = grouped;
  pruned_groups.position = PositionKind::kRotary;
  pruned_groups.pruned_heads = "0:0,1 1:1,2";

  GptOptions gemma_sinks = gemma;
  gemma_sinks.sinks = 2;

  GptOptions alibi_sinks = alibi;
  alibi_sinks.window = 4;
  alibi_sinks.sinks = 1;

  GptOptions self_extend = neox;
  self_extend.self_extend = 3;
  self_extend.self_extend_window = 4;

  GptOptions reversible = gemma;
  reversible.reversible = true;
  reversible.layers = 3;
  reversible.mixer_pattern = "softmax,softmax,ssd";

  std::vector<NamedGpt> models{{"gpt2", gpt2},
                               {"grouped", grouped},
                               {"post_norm_sinusoidal", post},
                               {"unplaced", unplaced},
                               {"llama", llama},
                               {"llama3_rotary", stretched},
                               {"yarn", yarn},
                               {"neox", neox},
                               {"gemma", gemma},
                               {"sinks", sinks},
                               {"blocks", blocks},
                               {"experts", experts},
                               {"alibi", alibi},
                               {"t5", t5},
                               {"transformer_xl", transformer_xl},
                               {"bloom", bloom},
                               {"opt", opt},
                               {"phi", phi},
                               {"qwen", qwen},
                               {"qwen_experts", qwen_experts},
                               {"pruned", pruned},
                               {"pruned_groups", pruned_groups},
                               {"hybrid", hybrid},
                               {"reversible", reversible},
                               {"latent", latent},
                               {"narrow_latent", narrow_latent},
                               {"gemma_sinks", gemma_sinks},
                               {"alibi_sinks", alibi_sinks},
                               {"self_extend", self_extend}};
  for (const auto& [kind, name] : EnumNames<MixerKind>::values) {
    if (kind == MixerKind::kSoftmax || kind == MixerKind::kLinformer) continue;
    GptOptions mixed = gpt2;
    mixed.mixer = kind;
    shrink(mixed);
    models.push_back({std::string(name), mixed});
  }
  return models;
}

/// One test a model: INSTANTIATE_TEST_SUITE_P(Models, YourTest, ValuesIn(tiny_gpts()), gpt_name).
class EveryGptTest : public ::testing::TestWithParam<NamedGpt> {
 protected:
  EveryGptTest() : gpt(seeded()) { gpt->eval(); }
  Gpt seeded() {
    torch::manual_seed(8);
    return Gpt(GetParam().options);
  }
  static torch::Tensor tokens(int64_t B, int64_t T) {
    return torch::randint(17, {B, T}, torch::kLong);
  }
  static bool close(const torch::Tensor& a, const torch::Tensor& b) {
    return torch::allclose(a, b, 1e-4, 1e-5);
  }
  Gpt gpt;
};
inline std::string gpt_name(const ::testing::TestParamInfo<NamedGpt>& info) {
  return info.param.name;
}

}  // namespace zoo::testing
