// gpt_size() counts without building; the model itself is the measure.
#include "models/gpt/gpt_size.h"

#include <gtest/gtest.h>

namespace zoo {
namespace {

int64_t count(const Gpt& model) {
  int64_t sum = 0;
  for (const auto& parameter : model->parameters()) sum += parameter.numel();
  return sum;
}

GptOptions small() {
  GptOptions options;
  options.vocab_size = 13;
  options.context = 7;
  options.layers = 3;
  options.d_model = 12;
  options.heads = 4;
  return options;
}

TEST(GptSizeTest, CountsTheParametersThatTheModelHas) {
  std::vector<GptOptions> all(8, small());
  all[1].tie_embeddings = false;
  all[2].attention_bias = all[2].feed_forward_bias = all[2].norm_bias = false;
  all[3].norm_place = NormPlace::kPost;
  all[4].activation = Activation::kSwiglu;
  all[4].feed_forward = 20;
  all[5].position = PositionKind::kRotary;
  all[5].kv_heads = 2;
  all[5].head_width = 6;
  all[6].norm = NormKind::kRms;
  all[7].position = PositionKind::kSinusoidal;
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(gpt_size(all[i], 7).parameters, static_cast<double>(count(Gpt(all[i]))))
        << "option set " << i;
  }
}

TEST(GptSizeTest, HugeSizesDoNotOverflow) {
  auto options = small();
  options.vocab_size = options.context = options.layers = options.d_model = 2147483647;
  options.heads = options.head_width = options.feed_forward = 2147483647;
  const GptSize size = gpt_size(options, 1);
  EXPECT_GT(size.parameters, 1e37);
  EXPECT_GT(size.forward_flops_per_token, 1e37);
}

TEST(GptSizeTest, AgreesWithThePublishedSizes) {
  auto options = GptOptions::gpt2();
  options.vocab_size = 50257;
  EXPECT_EQ(gpt_size(options, 1024).parameters, 124'439'808);
}

}  // namespace
}  // namespace zoo
