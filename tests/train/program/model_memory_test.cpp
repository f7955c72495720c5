// What a model is said to take at the least, against what it takes.
#include "train/program/model_memory.h"

#include <gmock/gmock.h>

#include "base/usage_error.h"
#include "models/bert/bert_task.h"
#include "train/vision/image_model.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

double parameters_of(const torch::nn::Module& module) {
  double count = 0.0;
  for (const auto& parameter : module.parameters()) count += static_cast<double>(parameter.numel());
  return count;
}

/// A bound from below, and no idle one.
void expect_bound(const ModelNeed& need, const torch::nn::Module& module) {
  EXPECT_LE(need.parameters, parameters_of(module));
  EXPECT_GT(need.parameters, 0.65 * parameters_of(module));
}

TEST(ModelMemoryTest, IsABoundFromBelowForEveryFamily) {
  GptOptions gpt{.vocab_size = 100};
  expect_bound(need_of(gpt), *Gpt(gpt));
  GptOptions llama = GptOptions::llama_tiny();
  llama.vocab_size = 100;
  expect_bound(need_of(llama), *Gpt(llama));
  BertOptions bert{.vocab_size = 100};
  expect_bound(need_of(bert), *Bert(bert));
  BertOptions albert{.vocab_size = 100, .layers = 6, .embedding_width = 16, .shared_blocks = 1};
  expect_bound(need_of(albert), *Bert(albert));
  TransformerOptions transformer{.vocab_size = 100};
  expect_bound(need_of(transformer), *Transformer(transformer));
  RecurrentOptions recurrent{.vocab_size = 100, .layers = 3, .d_model = 64};
  expect_bound(need_of(recurrent), *Recurrent(recurrent));
  ClipOptions clip = ClipOptions::tiny();
  clip.text.vocab_size = 100;
  expect_bound(need_of(clip), *Clip(clip));
  for (const char* preset : {"pixels28", "cct-7-3x1", "resnet20", "deit-tiny"}) {
    const auto options = image_model_preset(preset);
    const auto& kind = find_image_model(options.kind);
    expect_bound(kind.need(options), *kind.make(options, 10));
  }
}

TEST(ModelMemoryTest, RefusesWhatNoMachineHas) {
  GptOptions gpt;
  check_memory(need_of(gpt), {}, {});
  gpt.layers = 2'147'483'647;
  EXPECT_THAT([&] { check_memory(need_of(gpt), {}, {}); },
              ThrowsMessage<UsageError>(::testing::AllOf(HasSubstr("2147483647 layers"),
                                                         HasSubstr("choose fewer layers"))));
  BertOptions bert;
  bert.layers = 100'000'000;
  bert.d_model = bert.heads = 1;  // a hundred million small things
  EXPECT_THROW(check_memory(need_of(bert), {}, {}), UsageError);
}

}  // namespace
}  // namespace zoo
