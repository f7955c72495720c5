// Every option of a stack in every family: honoured, trained, saved, and without harm to what a
// token must not see.
#include "models/layers/stack_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "base/option_error.h"
#include "models/bert/bert.h"
#include "models/gpt/gpt.h"
#include "models/transformer/transformer.h"
#include "models/vision/cct.h"
#include "tests/models/every_family.h"
#include "tests/models/mixers/tiny_mixers.h"
#include "tests/models/parameters.h"
#include "tests/support/gradient_check.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using testing::Family;
using testing::FamilyModel;
using testing::StackChange;

std::vector<StackChange> changes() {
  std::vector<StackChange> changes = {
      {"RmsNorm", [](StackOptions& o) { o.norm = NormKind::kRms; }},
      {"NormPlace",
       [](StackOptions& o) {
         o.norm_place = o.norm_place == NormPlace::kPre ? NormPlace::kPost : NormPlace::kPre;
       }},
      {"NoNormBias", [](StackOptions& o) { o.norm_bias = false; }},
      {"NormEpsilon", [](StackOptions& o) { o.norm_epsilon = 0.5; }},
      {"KvHeads", [](StackOptions& o) { o.kv_heads = 1; }},
      {"HeadWidth", [](StackOptions& o) { o.head_width = 8; }},
      {"PrunedHeads", [](StackOptions& o) { o.pruned_heads = "1:0"; }},
      {"NoAttentionBias", [](StackOptions& o) { o.attention_bias = false; }},
      {"NoQkvBias", [](StackOptions& o) { o.qkv_bias = false; }},
      {"NoOutBias", [](StackOptions& o) { o.out_bias = false; }},
      {"NoFeedForwardBias", [](StackOptions& o) { o.feed_forward_bias = false; }},
      {"Swiglu", [](StackOptions& o) { o.activation = Activation::kSwiglu; }},
      {"Geglu", [](StackOptions& o) { o.activation = Activation::kGeglu; }},
      {"GegluTanh", [](StackOptions& o) { o.activation = Activation::kGegluTanh; }},
      {"Reglu", [](StackOptions& o) { o.activation = Activation::kReglu; }},
      {"Sandwich", [](StackOptions& o) { o.norm_place = NormPlace::kSandwich; }},
      {"ParallelOneNorm",
       [](StackOptions& o) {
         o.norm_place = NormPlace::kPre, o.parallel = ParallelBranches::kOneNorm;
       }},
      {"ParallelSandwich",
       [](StackOptions& o) {
         o.norm_place = NormPlace::kSandwich, o.parallel = ParallelBranches::kTwoNorms;
       }},
      {"Reversible", [](StackOptions& o) { o.norm_place = NormPlace::kPre, o.reversible = true; }},
      {"ReversibleSandwich",
       [](StackOptions& o) {
         o.norm_place = NormPlace::kSandwich, o.reversible = true;
         o.layer_scale = 0.5, o.drop_path = 0.2, o.residual_dropout = 0.3, o.experts = 2;
       }},
      {"Reformer",
       [](StackOptions& o) {
         o.norm_place = NormPlace::kPre, o.reversible = true, o.mixer = MixerKind::kReformer;
         testing::shrink(o);
       }},
      {"QkNorm", [](StackOptions& o) { o.qk_norm = true; }},
      {"QkRmsNorm", [](StackOptions& o) { o.qk_norm = true, o.norm = NormKind::kRms; }},
      {"Experts", [](StackOptions& o) { o.experts = 3; }},
      {"ExpertsEveryOther",
       [](StackOptions& o) {
         o.experts = 4, o.experts_per_token = 1, o.shared_experts = 1, o.expert_width = 5;
         o.expert_every = 2, o.renormalise_experts = false;
         o.expert_router = RouterScore::kSigmoid;
       }},
      {"MixerPattern", [](StackOptions& o) { o.mixer_pattern = "linear,softmax"; }},
      {"ExpertsButInALayer", [](StackOptions& o) { o.experts = 3, o.dense_layers = "1"; }},
      {"Latent", [](StackOptions& o) { o.latent_width = 5; }},
      {"LatentQueries", [](StackOptions& o) { o.latent_width = 3, o.latent_query_width = 4; }},
      {"Window", [](StackOptions& o) { o.window = 2; }},
      {"WindowPattern", [](StackOptions& o) { o.window = 1, o.window_pattern = "GL"; }},
      {"GlobalTokens", [](StackOptions& o) { o.window = 1, o.global_tokens = 1; }},
      {"StridedBlocks",
       [](StackOptions& o) {
         o.attention_blocks = BlockPattern::kStrided, o.attention_block_size = 1;
       }},
      {"FixedBlocks",
       [](StackOptions& o) {
         o.attention_blocks = BlockPattern::kFixed, o.attention_block_size = 1;
         o.window_pattern = "GL";
       }},
      {"BigBird",
       [](StackOptions& o) {
         o.attention_blocks = BlockPattern::kBigBird, o.attention_block_size = 1;
         o.window_blocks = 1, o.random_blocks = 1;
       }},
      {"Unscaled", [](StackOptions& o) { o.scale_attention = false; }},
      {"ScaleWidth", [](StackOptions& o) { o.scale_width = 50; }},
      {"ScaledByLayer", [](StackOptions& o) { o.scale_by_layer = true; }},
      {"ScoreCap", [](StackOptions& o) { o.score_cap = 0.1; }},
      {"LayerScale", [](StackOptions& o) { o.layer_scale = 0.5; }},
      {"ActivationDropout", [](StackOptions& o) { o.activation_dropout = 0.4; }},
      {"HeadDropout", [](StackOptions& o) { o.head_dropout = 0.4; }},
      {"DropPath", [](StackOptions& o) { o.drop_path = 0.4; }},
      {"AttentionDropout", [](StackOptions& o) { o.attention_dropout = 0.4; }}};
  for (const auto& [kind, name] : EnumNames<PositionKind>::values) {
    std::string plain(name);
    std::ranges::replace(plain, '-', '_');
    changes.push_back({.name = "Position_" + plain,
                       .positions = [kind = kind](PositionOptions& o) { o.position = kind; }});
  }
  for (const auto& [kind, name] : EnumNames<MixerKind>::values) {
    if (kind == MixerKind::kSoftmax) continue;
    changes.push_back(
        {.name = "Mixer_" + std::string(name), .stack = [kind = kind](StackOptions& o) {
           o.mixer = kind;
           testing::shrink(o);
         }});
  }
  changes.push_back(
      {.name = "LatentRotary",
       .stack = [](StackOptions& o) { o.latent_width = 3, o.latent_rotary_width = 4; },
       .positions = [](PositionOptions& o) { o.position = PositionKind::kRotary; }});
  changes.push_back({.name = "RotaryBase", .positions = [](PositionOptions& o) {
                       o.position = PositionKind::kRotary;
                       o.rotary.base = 50.0;
                     }});
  return changes;
}

struct Case {
  Family family;
  StackChange change;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.family.name << ' ' << c.change.name; }

/// Every change in every family that has the option.
std::vector<Case> cases() {
  std::vector<Case> cases;
  for (const Family& family : testing::every_family()) {
    for (const StackChange& change : changes()) {
      if (change.positions && !family.has_positions) continue;
      const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
        return std::ranges::find(names, change.name) != names.end();
      };
      if (family.name == "bert" && is_one_of({"Swiglu", "Geglu", "GegluTanh", "Reglu"}))
        continue;  // its heads have no gate
      if (family.name == "transformer" && change.name.starts_with("Parallel")) continue;
      if (family.name == "gpt" && change.name == "Mixer_linformer") continue;  // looks both ways
      if (family.name != "gpt" &&
          is_one_of({"Mixer_retention", "Mixer_gla", "Mixer_ssd"}))  // look back only
        continue;
      if (family.name == "transformer" && change.name == "Mixer_linformer") continue;
      if (family.name == "cct" && change.name == "NoQkvBias") continue;  // has none
      cases.push_back({family, change});
    }
  }
  return cases;
}

class StackOptionsTest : public ::testing::TestWithParam<Case> {
 protected:
  static FamilyModel model() { return GetParam().family.make(GetParam().change); }
  static FamilyModel plain() { return GetParam().family.make({.name = "plain"}); }
  static bool close(const torch::Tensor& a, const torch::Tensor& b) {
    return torch::allclose(a, b, 1e-4, 1e-5);
  }
  /// With dropout, the same each time.
  static torch::Tensor training(const FamilyModel& m) {
    m.module->train();
    torch::manual_seed(4);
    return m.answer(0);
  }
};

TEST_P(StackOptionsTest, IsHonoured) {
  const auto ours = model(), usual = plain();
  const auto weights = testing::parameter_count(*ours.module);
  const auto usual_weights = testing::parameter_count(*usual.module);
  const bool is_usual =
      GetParam().change.name == "Position_learned" ||
      (GetParam().family.name == "transformer" && GetParam().change.name == "Position_sinusoidal");
  if (is_usual && weights == usual_weights) return;  // the family's own
  EXPECT_TRUE(weights != usual_weights || !close(training(ours), training(usual)));
}

TEST_P(StackOptionsTest, GradientsReachEveryParameterAndMatchFiniteDifferences) {
  const auto ours = model();
  ours.module->to(torch::kDouble);
  testing::expect_gradients_match_differences(
      [&] { return ours.protected_part(false).square().mean(); }, ours.module->parameters(), 1,
      1e-5);
}

TEST_P(StackOptionsTest, ReturnsFromItsFolder) {
  const torch::NoGradGuard no_grad;
  const testing::TemporaryFolder folder;
  const auto ours = model();
  ours.save(folder.path());
  const auto loaded = ours.load(folder.path());
  EXPECT_TRUE(torch::equal(loaded.answer(2), ours.answer(2)));
  EXPECT_TRUE(torch::equal(training(loaded), training(ours)));
}

TEST_P(StackOptionsTest, FuturePaddingAndOtherRowsChangeNothing) {
  const torch::NoGradGuard no_grad;
  const auto ours = model();
  const auto before = ours.protected_part(false);
  EXPECT_TRUE(before.isfinite().all().item<bool>());
  EXPECT_TRUE(close(before, ours.protected_part(true)));
}

INSTANTIATE_TEST_SUITE_P(Families, StackOptionsTest, ::testing::ValuesIn(cases()),
                         [](const ::testing::TestParamInfo<Case>& info) {
                           return info.param.family.name + "_" + info.param.change.name;
                         });

TEST(StackOptionErrorsTest, NameTheFieldOfTheFamily) {
  const auto field = [](const auto& options) -> std::string {
    try {
      check(options);
    } catch (const OptionError& error) {
      return error.field();
    }
    return "";
  };
  BertOptions bert;
  bert.kv_heads = 3;
  EXPECT_EQ(field(bert), "kv-heads");
  TransformerOptions transformer;
  transformer.decoder_layers = 0;
  EXPECT_EQ(field(transformer), "decoder-layers");
  transformer = {};
  transformer.decoder_heads = 3;
  EXPECT_EQ(field(transformer), "d-model");
  transformer = {};
  transformer.decoder_pruned_heads = "3:0";  // the layers are 0 to 2
  EXPECT_EQ(field(transformer), "decoder-pruned-heads");
  transformer.decoder_pruned_heads = "";
  transformer.cross_pruned_heads = "0";
  EXPECT_EQ(field(transformer), "cross-pruned-heads");
  bert = {};
  bert.family = BertFamily::kAlbert;
  bert.embedding_width = 8, bert.shared_blocks = 1;
  bert.pruned_heads = "1:0";  // of two layers, which share block 0
  EXPECT_EQ(field(bert), "pruned-heads");
  GptOptions gpt;
  gpt.window_pattern = "LG";  // of no window
  EXPECT_EQ(field(gpt), "window-pattern");
  gpt.window = 4;
  EXPECT_EQ(field(gpt), "");
  for (const char* pattern : {"", "LX", "lg"}) {
    gpt.window_pattern = pattern;
    EXPECT_EQ(field(gpt), "window-pattern") << pattern;
  }
  gpt = {};
  gpt.window = -1;
  EXPECT_EQ(field(gpt), "window");
  gpt.window = std::numeric_limits<int64_t>::max();  // which could not be doubled
  EXPECT_EQ(field(gpt), "window");
  gpt.window = int64_t{1} << 40;
  EXPECT_EQ(field(gpt), "");
  gpt.sinks = (int64_t{1} << 40) + 1;
  EXPECT_EQ(field(gpt), "sinks");
  gpt = {};
  gpt.attention_blocks = BlockPattern::kStrided;
  gpt.attention_block_size = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(field(gpt), "attention-block-size");
  gpt = {};
  gpt.global_tokens = 1;  // of no window
  EXPECT_EQ(field(gpt), "global-tokens");
  gpt = {};
  gpt.prefix_lm = true;
  EXPECT_EQ(field(gpt), "");
  gpt.mixer_pattern = "ssd,softmax";
  EXPECT_EQ(field(gpt), "prefix-lm");
  gpt = {};
  gpt.random_blocks = 5;  // of no blocks
  EXPECT_EQ(field(gpt), "random-blocks");
  gpt = {};
  gpt.attention_blocks = BlockPattern::kFixed;
  EXPECT_EQ(field(gpt), "");
  gpt.global_blocks = 3;
  EXPECT_EQ(field(gpt), "global-blocks");
  gpt.window_blocks = 0;
  EXPECT_EQ(field(gpt), "window-blocks");
  gpt = {};
  gpt.parallel = ParallelBranches::kTwoNorms;
  EXPECT_EQ(field(gpt), "");
  gpt.norm_place = NormPlace::kPost;
  EXPECT_EQ(field(gpt), "norm-place");
  gpt = {};
  gpt.reversible = true;
  EXPECT_EQ(field(gpt), "");
  gpt.parallel = ParallelBranches::kOneNorm;
  EXPECT_EQ(field(gpt), "parallel");
  gpt.parallel = ParallelBranches::kNone;
  gpt.norm_place = NormPlace::kPost;
  EXPECT_EQ(field(gpt), "norm-place");
  gpt = {};
  gpt.score_cap = -1.0;
  EXPECT_EQ(field(gpt), "score-cap");
  gpt = {};
  gpt.mixer = MixerKind::kLinformer;
  EXPECT_EQ(field(gpt), "mixer");
  gpt.mixer = MixerKind::kSsd;
  EXPECT_EQ(field(gpt), "");
  gpt.position = PositionKind::kAlibi;
  EXPECT_NE(field(gpt), "");
  gpt.mixer_pattern = "ssd,softmax";
  EXPECT_EQ(field(gpt), "");
  gpt.pruned_heads = "0:1";
  EXPECT_EQ(field(gpt), "pruned-heads");
  gpt.pruned_heads = "1:1";
  EXPECT_EQ(field(gpt), "");
  gpt = {};
  gpt.latent_rotary_width = 4;
  EXPECT_EQ(field(gpt), "latent-rotary-width");
  gpt.latent_width = 8;
  EXPECT_EQ(field(gpt), "latent-rotary-width");  // without rotary positions
  gpt.position = PositionKind::kRotary;
  EXPECT_EQ(field(gpt), "");
  gpt.latent_rotary_width = 0;
  EXPECT_EQ(field(gpt), "latent-rotary-width");
  gpt = {};
  gpt.latent_width = 8;
  EXPECT_EQ(field(gpt), "");
  gpt.kv_heads = 1;
  EXPECT_EQ(field(gpt), "kv-heads");
  gpt.kv_heads = 0;
  gpt.pruned_heads = "0:1";
  EXPECT_EQ(field(gpt), "pruned-heads");
  gpt = {};
  gpt.position = PositionKind::kTransformerXl;
  EXPECT_EQ(field(gpt), "");
  gpt.latent_width = 8;
  EXPECT_EQ(field(gpt), "position");
  gpt.latent_width = 0;
  gpt.window = 4, gpt.sinks = 2;
  EXPECT_EQ(field(gpt), "sinks");
  gpt.sinks = 0;
  gpt.mixer = MixerKind::kSsd;  // which no layer is left for
  EXPECT_NE(field(gpt), "");
  bert = {};
  bert.mixer = MixerKind::kGla;
  EXPECT_EQ(field(bert), "mixer");
  gpt = {};
  gpt.experts = 2, gpt.dense_layers = "3";
  EXPECT_EQ(field(gpt), "");
  gpt.dense_layers = "4";  // the layers are 0 to 3
  EXPECT_EQ(field(gpt), "dense-layers");
  gpt = {};
  gpt.scale_width = -1;
  EXPECT_EQ(field(gpt), "scale-width");
  gpt = {};
  gpt.embedding_width = -1;
  EXPECT_EQ(field(gpt), "embedding-width");
  gpt = {};
  gpt.logit_cap = -1.0;
  EXPECT_EQ(field(gpt), "logit-cap");
  CctOptions cct;
  cct.dropout = 1.0;
  EXPECT_EQ(field(cct), "dropout");
}

}  // namespace
}  // namespace zoo
