// The recurrent baseline: what must hold for any encoder-decoder holds for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/transformer/recurrent.h"
#include "tests/support/gradient_check.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

class RecurrentTest : public ::testing::TestWithParam<bool> {
 protected:
  RecurrentTest() {
    torch::manual_seed(9);
    const bool one_vocabulary = GetParam();
    model = Recurrent(RecurrentOptions{.vocab_size = 11,
                                       .source_vocab_size = one_vocabulary ? 0 : 7,
                                       .layers = one_vocabulary ? 1 : 2,
                                       .d_model = 6,
                                       .share_embeddings = one_vocabulary,
                                       .tie_embeddings = one_vocabulary});
    model->eval();
    source = torch::randint(7, {3, 5}, torch::kLong);
    target = torch::randint(11, {3, 4}, torch::kLong);
    lengths = torch::tensor({5, 1, 3}, torch::kLong);
  }
  Recurrent model{nullptr};
  torch::Tensor source, target, lengths;
  torch::NoGradGuard no_grad;
};

TEST_P(RecurrentTest, PaddingAndBatchMatesChangeNothing) {
  const auto together = model->hidden(source, lengths, target);
  for (int64_t b = 0; b < 3; ++b) {
    const auto alone =
        model->hidden(source.narrow(0, b, 1).narrow(1, 0, lengths[b].item<int64_t>()), {},
                      target.narrow(0, b, 1));
    EXPECT_TRUE(torch::allclose(together[b], alone[0], 1e-4, 1e-6)) << b;
  }
}

TEST_P(RecurrentTest, AttentionIsSharedAmongRealTokensOnly) {
  const auto memory = model->encode(source, lengths);
  auto state = model->first_state(memory);
  torch::Tensor weights;
  model->step(target.select(1, 0), memory, state, &weights);
  EXPECT_TRUE(torch::allclose(weights.sum(1), torch::ones({3})));
  EXPECT_EQ(weights[1][0].item<float>(), 1.0f);
  EXPECT_EQ(weights[2][3].item<float>(), 0.0f);
}

TEST_P(RecurrentTest, GradientsReachEveryParameterAndMatchFiniteDifferences) {
  const torch::AutoGradMode with_gradients(true);
  model->to(torch::kDouble);
  const auto loss = [&] {
    return model->logits_of(model->hidden(source, lengths, target)).square().mean();
  };
  testing::expect_gradients_match_differences(loss, model->parameters(), 3);
  loss().backward();
  for (const auto& item : model->named_parameters())
    EXPECT_TRUE(item.value().grad().abs().max().item<double>() > 0) << item.key();
}

TEST_P(RecurrentTest, ReturnsFromItsFolderToTheBit) {
  const testing::TemporaryFolder folder;
  save_recurrent(model, folder.path(), {.eos = {2}, .pad = 0, .decoder_start = 0});
  Recurrent again = load_recurrent(folder.path());
  EXPECT_TRUE(
      torch::equal(model->hidden(source, lengths, target), again->hidden(source, lengths, target)));
  EXPECT_EQ(read_recurrent_config(folder.path()).ids.decoder_start, 0);
}

INSTANTIATE_TEST_SUITE_P(OneVocabulary, RecurrentTest, ::testing::Bool());

TEST(RecurrentErrorsTest, OptionsThatDoNotFitAreNamed) {
  EXPECT_THAT([] { check(RecurrentOptions{.d_model = 7}); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  HasSubstr("d-model must be even and positive")));
  EXPECT_THAT([] { check(RecurrentOptions{.layers = 0}); },
              ::testing::ThrowsMessage<std::invalid_argument>(HasSubstr("layers")));
}

}  // namespace
}  // namespace zoo
