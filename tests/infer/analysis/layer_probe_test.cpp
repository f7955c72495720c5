// Probes on features whose answer is known, and on a GPT with weights set by hand.
#include "infer/analysis/layer_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "infer/analysis/labelled_states.h"
#include "tests/infer/analysis/by_hand.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// 80 examples of 8 identities, 10 of each; identities 0 to 3 have the label 0.
ProbeExamples words(const torch::Tensor& features) {
  const auto identities = torch::arange(80) % 8;
  return {.features = {features},
          .labels = identities.ge(4).to(torch::kLong),
          .identities = identities,
          .groups = torch::arange(80),
          .names = {"low", "high"}};
}

TEST(LayerProbeTest, SelectivityTellsALabelFromMemorisedIdentities) {
  const auto identities = torch::arange(80) % 8;
  const auto one_hot = torch::one_hot(identities, 8).to(torch::kDouble);
  const auto label = identities.ge(4).to(torch::kDouble).unsqueeze(1);
  const auto memorised = probe_layers(words(one_hot)).layers[0];
  EXPECT_EQ(memorised.accuracy, 1);
  EXPECT_EQ(memorised.control, 1) << "any label of an identity can be read off";
  EXPECT_EQ(memorised.selectivity(), 0);
  double selectivity = 0;  // mean over ten draws of the control's labels: one draw may agree
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const auto read = probe_layers(words(label), {.seed = seed}).layers[0];
    EXPECT_EQ(read.accuracy, 1);
    selectivity += read.selectivity() / 10;
  }
  EXPECT_GT(selectivity, 0.2);
}

TEST(LayerProbeTest, WithoutInformationItSaysTheMajority) {
  auto examples = words(torch::zeros({80, 3}, torch::kDouble));
  examples.labels = (torch::arange(80) % 4).eq(0).to(torch::kLong);
  const auto result = probe_layers(examples);
  EXPECT_EQ(result.layers[0].accuracy, result.majority);
  EXPECT_EQ(result.held_out, 20);
  EXPECT_EQ(result.fitted, 60);
}

TEST(LayerProbeTest, TheSeedAloneDecides) {
  torch::manual_seed(5);
  const auto examples = words(torch::randn({80, 3}, torch::kDouble));
  const auto accuracy = [&](uint64_t seed) {
    const auto layer = probe_layers(examples, {.seed = seed}).layers[0];
    return std::vector<double>{layer.accuracy, layer.fitted, layer.control, layer.control_fitted};
  };
  const auto first = accuracy(1);
  torch::manual_seed(6);
  EXPECT_EQ(accuracy(1), first);
  EXPECT_NE(accuracy(2), first);
}

TEST(LayerProbeTest, RefusesWhatNoProbeCanLearn) {
  const auto examples = words(torch::zeros({80, 1}, torch::kDouble));
  auto one_label = examples;
  one_label.labels = torch::zeros({80}, torch::kLong);
  EXPECT_THAT([&] { probe_layers(one_label); },
              ThrowsMessage<std::runtime_error>(HasSubstr("all examples have the label 'low'")));
  const auto few = torch::tensor({0, 5, 1}, torch::kLong);
  EXPECT_THAT(
      [&] {
        probe_layers({.features = {torch::zeros({3, 1}, torch::kDouble)},
                      .labels = torch::tensor({0, 1, 0}, torch::kLong),
                      .identities = few,
                      .groups = few,
                      .names = {"low", "high"}});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("3 examples are too few")));
  EXPECT_THAT([&] { probe_layers(examples, {.held_out = 1}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("--held-out must be a share")));
  auto rare = examples;
  rare.labels = torch::zeros({80}, torch::kLong);
  rare.labels[0] = 1;
  rare.groups = rare.groups.clone();
  EXPECT_THAT(
      [&] {
        for (uint64_t seed = 0; seed < 40; ++seed) probe_layers(rare, {.seed = seed});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("'high' is among the held-out examples only")));
}

/// Layer 1 of a GPT copies the first token to all places.
class ProbedGptTest : public ::testing::Test {
 protected:
  ProbedGptTest() : letters_(U"abcdef", {.sequence = false}) {
    letters_.save(folder_.path());
    const int64_t P = 4, V = letters_.vocab_size();
    auto model = testing::readable_gpt(P, V, /*layers=*/2, /*heads=*/1);
    auto first = torch::zeros({P, P});
    first.select(1, 0).fill_(1);
    auto& attention = *model->blocks->at<BlockImpl>(1).attention;
    testing::look_at(attention, 0, first);
    testing::copy_tokens(attention, 0, P, 1);
    opened_.model = model.ptr();
  }
  ExampleFile file(const std::string& text, bool words) {
    write_file(folder_ / "data.tsv", text);
    return {.model = folder_.path(),
            .data = folder_ / "data.tsv",
            .words = words,
            .pool = TokenPooling::kLast};
  }
  CharacterTokenizer letters_;
  testing::TemporaryFolder folder_;
  OpenedInput opened_;
};

TEST_F(ProbedGptTest, ALabelIsReadableFromTheLayerOnThatBringsIt) {
  std::string text;  // the label is the first letter, the last one is always f
  for (const std::string middle : {"aa", "ab", "ba", "bb", "cc", "cd", "dc", "dd"})
    for (const std::string first : {"a", "b", "c"})
      text += "begins-" + first + "\t" + first + middle + "f\n";
  const auto states = read_labelled_states(opened_, file(text, false));
  ASSERT_EQ(states.stages, (std::vector<std::string>{"embedding", "layer 0", "layer 1"}));
  EXPECT_EQ(states.texts.front(), "aaaf");
  const auto result = probe_layers(states.examples);
  EXPECT_EQ(result.layers[0].accuracy, result.majority);
  EXPECT_EQ(result.layers[1].accuracy, result.majority);
  EXPECT_EQ(result.layers[2].accuracy, 1);
  EXPECT_LT(result.layers[2].control, 0.9);
  const auto one = states_of_text(opened_, file(text, false), "aaaf");
  for (size_t n = 0; n < one.size(); ++n)
    EXPECT_TRUE(one[n][0].allclose(states.examples.features[n][0], 1e-5, 1e-6))
        << "without padding";
}

TEST_F(ProbedGptTest, AWordIsReadAtItsLastPiece) {
  const auto states = read_labelled_states(opened_, file("ab x\n\nc y\n\ncd x\n", true));
  EXPECT_EQ(states.texts, (std::vector<std::string>{"ab", "c", "cd"}));
  const auto& embedding = states.examples.features[0];  // places, then letters
  const auto place_of = [&](int64_t row) {
    return embedding[row].slice(0, 0, 4).argmax().item<int64_t>();
  };
  EXPECT_EQ(place_of(0), 1);
  EXPECT_EQ(place_of(1), 0);
  EXPECT_EQ(place_of(2), 1);
  EXPECT_TRUE(states.examples.groups.equal(torch::tensor({1, 2, 3}, torch::kLong)));
}

}  // namespace
}  // namespace zoo
