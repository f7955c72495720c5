// Removed heads: every family computes what it computes with those heads at zero, and returns from
// its folder.
#include "infer/analysis/head_removal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "models/cost/gpt_cost.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/infer/analysis/by_hand.h"
#include "tests/infer/tiny_models.h"
#include "tests/models/every_family.h"
#include "tests/models/parameters.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Three heads in each layer.
testing::FamilyModel three_heads(const testing::Family& family) {
  return family.make({.name = "three", .stack = [](StackOptions& o) { o.heads = 3; }});
}

/// Heads of every stack, one of the layers keeping a single one.
std::string some_heads(const testing::Family& family) {
  if (family.name == "transformer") return "encoder.0:1 decoder.1:0,2 cross.0:2 cross.1:0";
  return "0:1 1:0,2";
}

/// The columns of out_proj of each head that is named.
void silence(torch::nn::Module& model, const std::map<std::string, std::vector<int64_t>>& heads) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : model.named_modules("", /*include_self=*/false)) {
    const auto* attention = module.value()->as<MultiHeadAttentionImpl>();
    if (attention == nullptr) continue;
    for (const auto& [name, numbers] : heads) {
      if (!module.key().ends_with(name)) continue;
      const int64_t Dh = attention->options.head_width;
      for (const int64_t head : numbers)
        attention->out_proj->weight.narrow(1, head * Dh, Dh).zero_();
    }
  }
}

void silence_some_heads(const testing::Family& family, torch::nn::Module& model) {
  if (family.name == "transformer") {
    return silence(model, {{"encoder.0.attention", {1}},
                           {"decoder.1.attention", {0, 2}},
                           {"decoder.0.cross_attention", {2}},
                           {"decoder.1.cross_attention", {0}}});
  }
  silence(model, {{"blocks.0.attention", {1}}, {"blocks.1.attention", {0, 2}}});
}

class HeadRemovalTest : public ::testing::TestWithParam<testing::Family> {};

TEST_P(HeadRemovalTest, IsWhatTheModelComputesWithTheHeadsAtZero) {
  const torch::NoGradGuard no_grad;
  const auto masked = three_heads(GetParam()), pruned = three_heads(GetParam());
  silence_some_heads(GetParam(), *masked.module);
  const auto whole = pruned.answer(0);
  remove_heads(*pruned.module, some_heads(GetParam()));
  EXPECT_LT(testing::parameter_count(*pruned.module), testing::parameter_count(*masked.module));
  for (int64_t n = 0; n < 3; ++n)
    EXPECT_TRUE(pruned.answer(n).allclose(masked.answer(n), 1e-5, 1e-5)) << n;
  EXPECT_FALSE(whole.allclose(masked.answer(0), 1e-3, 1e-3)) << "the heads did something";
}

TEST_P(HeadRemovalTest, TheSmallerModelReturnsFromItsFolder) {
  const torch::NoGradGuard no_grad;
  const testing::TemporaryFolder folder;
  const auto pruned = three_heads(GetParam());
  remove_heads(*pruned.module, some_heads(GetParam()));
  pruned.save(folder.path());
  const auto loaded = pruned.load(folder.path());
  for (int64_t n = 0; n < 3; ++n) EXPECT_TRUE(torch::equal(loaded.answer(n), pruned.answer(n)));
}

TEST_P(HeadRemovalTest, GradientsReachWhatIsLeft) {
  const auto pruned = three_heads(GetParam());
  remove_heads(*pruned.module, some_heads(GetParam()));
  pruned.answer(1).square().mean().backward();
  for (const auto& module : pruned.module->named_modules("", /*include_self=*/false)) {
    if (const auto* attention = module.value()->as<MultiHeadAttentionImpl>()) {
      EXPECT_GT(attention->in_proj->weight.grad().abs().max().item<double>(), 0) << module.key();
      EXPECT_GT(attention->out_proj->weight.grad().abs().max().item<double>(), 0) << module.key();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, HeadRemovalTest, ::testing::ValuesIn(testing::every_family()),
                         [](const auto& info) { return info.param.name; });

Gpt grouped_llama() {
  GptOptions o = testing::tiny_options(PositionKind::kRotary, /*kv_heads=*/2);
  o.norm = NormKind::kRms;
  o.activation = Activation::kSwiglu;
  return testing::tiny_gpt(o);
}

torch::Tensor some_text() { return (torch::arange(20, torch::kLong) * 7 % 29).view({2, 10}); }

TEST(HeadRemovalOfGptTest, ACacheOfFewerHeadsGivesTheLogitsOfTheWholeText) {
  const torch::NoGradGuard no_grad;
  for (const char* heads : {"0:0,1", "0:0,2 1:2,3", "1:1,3"}) {
    Gpt model = grouped_llama();
    remove_heads(*model, heads);
    const auto whole = model(some_text());
    auto cache = model->make_cache(2, 10);
    std::vector<torch::Tensor> parts;
    for (int64_t t = 0; t < 10; ++t)
      parts.push_back(model->forward(some_text().slice(1, t, t + 1), {.cache = &cache}));
    EXPECT_TRUE(torch::cat(parts, 1).allclose(whole, 1e-4, 1e-5)) << heads;
    EXPECT_EQ(cost_of(model->options, 10).parameters,
              static_cast<double>(testing::parameter_count(*model)));
  }
}

TEST(HeadRemovalOfGptTest, ALlamaOfEqualLayersHasFewerHeads) {
  const torch::NoGradGuard no_grad;
  Gpt model = grouped_llama();
  remove_heads(*model, "0:2,3 1:0,2");
  EXPECT_EQ(model->options.pruned_heads, "0:2,3 1:0,2") << "one group of two, two groups of one";
  remove_heads(*model, "1:0");
  remove_heads(*model, "0:1");
  EXPECT_EQ(model->options.heads, 1);
  EXPECT_EQ(model->options.kv_heads, 1);
  EXPECT_EQ(model->options.head_width, 6);
  EXPECT_EQ(model->options.pruned_heads, "");
  const testing::TemporaryFolder folder;
  save_gpt(model, folder.path());
  EXPECT_EQ(read_gpt_config(folder.path()).layout, GptLayout::kLlama);
  EXPECT_TRUE(torch::equal(load_gpt(folder.path())(some_text()), model(some_text())));
}

TEST(HeadRemovalOfGptTest, ASingleHeadHasNoOtherToBeToldApartFrom) {
  GptOptions o = testing::tiny_options(PositionKind::kRotary);
  o.norm = NormKind::kRms;
  o.activation = Activation::kSwiglu;
  o.head_dropout = o.head_diversity = 0.1;
  Gpt model = testing::tiny_gpt(o);
  remove_heads(*model, "0:0,1,2 1:1,2,3");
  EXPECT_EQ(model->options.heads, 1);
  const testing::TemporaryFolder folder;
  save_gpt(model, folder.path());
  EXPECT_EQ(load_gpt(folder.path())->options.head_dropout, 0.0);
}

TEST(HeadRemovalOfGptTest, StepByStepIsAllAtOnce) {
  const torch::NoGradGuard no_grad;
  Gpt once = testing::tiny_gpt(testing::tiny_options()),
      steps = testing::tiny_gpt(testing::tiny_options());
  remove_heads(*once, "0:1,2 1:3");
  remove_heads(*steps, "0:1");
  remove_heads(*steps, "0:1 1:3");  // head 2 is head 1 by now
  EXPECT_EQ(steps->options.pruned_heads, "0:1,2 1:3");
  EXPECT_EQ(once->options.pruned_heads, "0:1,2 1:3");
  EXPECT_TRUE(torch::equal(once(some_text()), steps(some_text())));
}

TEST(HeadRemovalOfGptTest, HeadsThatWriteNothingAreNotMissed) {
  const int64_t P = 6, V = 5;
  auto model = testing::readable_gpt(P, V, /*layers=*/2, /*heads=*/3);
  auto& attention = *model->blocks->at<BlockImpl>(0).attention;
  testing::look_at(attention, 1, testing::shifted(P, -1));
  testing::copy_tokens(attention, 1, P, 2.0);
  const torch::NoGradGuard no_grad;
  const auto text = torch::tensor({3L, 1L, 4L, 1L, 0L, 2L}).unsqueeze(0);
  const auto before = model(text);
  remove_heads(*model, "0:0,2 1:0,1");
  EXPECT_TRUE(model(text).allclose(before, 0, 1e-6));
  EXPECT_EQ(model->blocks->at<BlockImpl>(0).attention->options.heads, 1);
}

TEST(HeadRemovalOfClipTest, BothTowersReturnFromTheirFolder) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  ClipOptions o = ClipOptions::tiny();
  o.text.vocab_size = 20;
  Clip model(o);
  model->eval();
  remove_heads(*model, "image.0:1,2 text.1:0");
  EXPECT_EQ(model->options.image.pruned_heads, "0:1,2");
  EXPECT_EQ(model->options.text.pruned_heads, "1:0");
  const testing::TemporaryFolder folder;
  save_clip(*model, folder.path());
  Clip loaded = load_clip(folder.path());
  const auto pixels = torch::randn({2, 3, o.image.image_size, o.image.image_size});
  const auto text = torch::tensor({{3L, 7L, 19L}, {5L, 6L, 19L}});
  EXPECT_TRUE(torch::equal(loaded->embed_images(pixels), model->embed_images(pixels)));
  EXPECT_TRUE(torch::equal(loaded->embed_texts(text), model->embed_texts(text)));
}

TEST(HeadRemovalErrorsTest, AreOneLineAndChangeNothing) {
  const auto refused = [](torch::nn::Module& model, const char* heads, const char* text) {
    EXPECT_THAT([&] { remove_heads(model, heads); },
                ThrowsMessage<std::invalid_argument>(HasSubstr(text)))
        << heads;
  };
  Gpt gpt = testing::tiny_gpt(testing::tiny_options());  // two layers of four heads
  const auto before = testing::parameter_count(*gpt);
  refused(*gpt, "0:1 2:0", "there is no layer 2; the layers are 0 to 1");
  refused(*gpt, "0:1 1:4", "layer 1: there is no head 4; the layer has heads 0 to 3");
  refused(*gpt, "0:0,1,2,3", "layer 0: all 4 heads: at least one must stay in a layer");
  refused(*gpt, "0:1,1", "names head 1 twice");
  refused(*gpt, "0:1 0:2", "layer 0 comes twice");
  refused(*gpt, "heads", "does not name heads");
  refused(*gpt, "encoder.0:1", "this model has one stack; write LAYER:HEAD,HEAD");
  EXPECT_EQ(testing::parameter_count(*gpt), before);
  Gpt grouped = grouped_llama();
  refused(*grouped, "0:1", "groups of 2 heads share keys and values");
  for (const auto& family : testing::every_family()) {
    if (family.name != "transformer") continue;
    const auto model = three_heads(family);
    refused(*model.module, "0:1", "write encoder.LAYER:HEAD,HEAD or decoder.LAYER:HEAD,HEAD or");
    refused(*model.module, "cross.2:0", "no layer cross.2; the layers are cross.0 to cross.1");
    refused(*model.module, "decoder.0:3", "layer decoder.0: there is no head 3");
  }
}

TEST(LeastImportantHeadsTest, StayOutUntilTheShareIsLeftButForTheLastOfALayer) {
  Gpt gpt = testing::tiny_gpt(testing::tiny_options());
  const std::vector<NamedAttention> layers = {
      {"layer 0", gpt->blocks->at<BlockImpl>(0).attention.get()},
      {"layer 1", gpt->blocks->at<BlockImpl>(1).attention.get()}};
  const auto importance =
      torch::tensor({{0.1, 0.4, 0.2, 0.3}, {5.0, 0.35, 6.0, 7.0}}, torch::kDouble);
  EXPECT_EQ(least_important_heads(*gpt, layers, importance, 0.75), "0:0,2");
  EXPECT_EQ(least_important_heads(*gpt, layers, importance, 0.7), "0:0,2");
  EXPECT_EQ(least_important_heads(*gpt, layers, importance, 0.5), "0:0,2,3 1:1");
  EXPECT_EQ(least_important_heads(*gpt, layers, importance, 0.01), "0:0,2,3 1:0,1,2");
  EXPECT_EQ(least_important_heads(*gpt, layers, importance, 0.99), "");
  Gpt grouped = grouped_llama();
  EXPECT_EQ(least_important_heads(*grouped,
                                  {{"layer 1", grouped->blocks->at<BlockImpl>(1).attention.get()},
                                   {"layer 0", grouped->blocks->at<BlockImpl>(0).attention.get()}},
                                  importance, 0.6),
            "1:0,1");
}

}  // namespace
}  // namespace zoo
