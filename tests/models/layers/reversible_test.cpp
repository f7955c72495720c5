// Reversible layers: the same numbers and gradients as two streams in plain autograd, and nothing
// kept in between.
#include "models/layers/reversible.h"

#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/functional/dropout.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/experts/expert_statistics.h"
#include "models/layers/auxiliary_losses.h"
#include "models/transformer/transformer.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

/// Small residual functions with weights of their own, two a layer.
struct ReversibleStackFixture {
  std::vector<ReversibleBranch> branches;
  std::vector<torch::Tensor> weights;

  explicit ReversibleStackFixture(int64_t count, double dropout = 0.0) {
    const auto weight = [&] {
      auto w = (torch::randn({6, 6}, torch::kDouble) * 0.4).requires_grad_(true);
      weights.push_back(w);
      return w;
    };
    const auto shared = weight();
    for (int64_t n = 0; n < count; ++n) {
      const auto own = weight();
      const auto bias = weight() * 0.5;  // computed, so no leaf
      branches.push_back({[=](const torch::Tensor& x, const std::vector<torch::Tensor>& inputs) {
                            const auto h = torch::tanh(x.matmul(own) + inputs[0].sum(0));
                            return torch::dropout(h, dropout, dropout > 0).matmul(shared);
                          },
                          {bias},
                          {own, shared}});
    }
  }
  std::pair<torch::Tensor, torch::Tensor> plain(torch::Tensor x1, torch::Tensor x2) const {
    for (size_t n = 0; n < branches.size(); ++n) {
      if (n % 2 == 0) x1 = x1 + branches[n].f(x2, branches[n].inputs);
      if (n % 2 == 1) x2 = x2 + branches[n].f(x1, branches[n].inputs);
    }
    return {x1, x2};
  }
};

void expect_same_gradients(const ReversibleStackFixture& stack) {
  const auto x1 = torch::randn({2, 5, 6}, torch::kDouble).requires_grad_(true);
  const auto x2 = torch::randn({2, 5, 6}, torch::kDouble).requires_grad_(true);
  const auto up1 = torch::randn_like(x1), up2 = torch::randn_like(x2);
  auto inputs = stack.weights;
  inputs.push_back(x1);
  inputs.push_back(x2);
  const auto gradients = [&](const auto& y1, const auto& y2) {
    return torch::autograd::grad({y1, y2}, inputs, {up1, up2}, /*retain_graph=*/true, false,
                                 /*allow_unused=*/true);
  };
  torch::manual_seed(20);
  const auto [w1, w2] = stack.plain(x1, x2);
  const auto wanted = gradients(w1, w2);
  const auto after_plain = torch::rand({3});
  torch::manual_seed(20);
  const auto [y1, y2] = reversible_branches(stack.branches, x1, x2);
  EXPECT_TRUE(torch::allclose(y1, w1, 1e-12, 1e-12));
  EXPECT_TRUE(torch::allclose(y2, w2, 1e-12, 1e-12));
  const auto got = gradients(y1, y2);
  EXPECT_TRUE(torch::equal(torch::rand({3}), after_plain));  // generators go on as without it
  for (size_t n = 0; n < inputs.size(); ++n) {
    ASSERT_EQ(got[n].defined(), wanted[n].defined()) << "input " << n;
    if (got[n].defined()) {
      EXPECT_TRUE(torch::allclose(got[n], wanted[n], 1e-9, 1e-10)) << "input " << n;
    }
  }
}

TEST(ReversibleTest, GradientsAreThoseOfThePlainStack) {
  torch::manual_seed(12);
  for (const int64_t count : {0, 1, 2, 3, 14}) expect_same_gradients(ReversibleStackFixture(count));
}

TEST(ReversibleTest, DropoutDropsTheSameAgain) {
  torch::manual_seed(13);
  expect_same_gradients(ReversibleStackFixture(8, 0.4));
}

TEST(ReversibleTest, OneOutputAloneCanBeDifferentiatedOnce) {
  torch::manual_seed(14);
  const ReversibleStackFixture stack(6);
  const auto x = torch::randn({1, 2, 6}, torch::kDouble).requires_grad_(true);
  const auto wanted = torch::autograd::grad({stack.plain(x, x).first.sum()}, {x});
  const auto reversible = [&] { return reversible_branches(stack.branches, x, x).first.sum(); };
  EXPECT_TRUE(
      torch::allclose(torch::autograd::grad({reversible()}, {x})[0], wanted[0], 1e-9, 1e-10));
  EXPECT_THAT(testing::torch_error_of([&] {
                torch::autograd::grad({reversible()}, {x}, {}, {}, /*create_graph=*/true);
              }),
              ::testing::HasSubstr("cannot be differentiated twice"));
}

TEST(ReversibleTest, NoActivationOfTheLayersIsKept) {
  torch::manual_seed(15);
  ReversibleStackFixture stack(6);
  std::vector<c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>> inner;
  for (auto& branch : stack.branches) {
    branch.f = [f = branch.f, &inner](const auto& x, const auto& inputs) {
      const auto y = f(x, inputs);
      inner.emplace_back(y.getIntrusivePtr());
      return y.clone() * y;  // backward needs y
    };
  }
  const auto alive = [&] {
    int64_t count = 0;
    for (const auto& pointer : inner) count += pointer.expired() ? 0 : 1;
    return count;
  };
  const auto x = torch::randn({1, 2, 6}, torch::kDouble).requires_grad_(true);
  {
    const auto kept = stack.plain(x, x);
    EXPECT_EQ(alive(), 6);
  }
  inner.clear();
  const auto y = reversible_branches(stack.branches, x, x);
  EXPECT_EQ(inner.size(), 6u);
  EXPECT_EQ(alive(), 0);
  (y.first.sum() + y.second.sum()).backward();
  EXPECT_EQ(inner.size(), 12u);  // each was computed again
  EXPECT_EQ(alive(), 0);
}

/// What a training step of a model gives.
struct StepResult {
  torch::Tensor output;
  std::map<std::string, torch::Tensor> gradients;
  std::map<std::string, double> losses, loads;
  torch::Tensor drawn_after;
};

StepResult step_of(torch::nn::Module& model, const std::function<torch::Tensor()>& forward) {
  model.train();
  model.zero_grad();
  torch::manual_seed(31);
  StepResult result;
  AuxiliaryLosses auxiliary;
  const ExpertStatistics experts;
  result.output = forward();
  auxiliary.count(torch::tensor(0.7));
  const auto weights = torch::linspace(-1, 1, result.output.numel(), result.output.dtype());
  (result.output.flatten() * weights).sum().backward();
  for (const auto& parameter : model.named_parameters())
    if (parameter.value().grad().defined())
      result.gradients[parameter.key()] = parameter.value().grad().clone();
  result.losses = auxiliary.means();
  result.loads = experts.means();
  result.drawn_after = torch::rand({2});
  return result;
}

void expect_same(const StepResult& got, const StepResult& wanted, double tolerance = 1e-10) {
  EXPECT_TRUE(torch::allclose(got.output, wanted.output, tolerance, tolerance));
  EXPECT_TRUE(torch::equal(got.drawn_after, wanted.drawn_after));
  ASSERT_EQ(got.gradients.size(), wanted.gradients.size());
  for (const auto& [name, gradient] : wanted.gradients) {
    ASSERT_TRUE(got.gradients.contains(name)) << name;
    EXPECT_TRUE(torch::allclose(got.gradients.at(name), gradient, tolerance, tolerance)) << name;
  }
  for (const auto& [ours, theirs] :
       {std::pair(&got.losses, &wanted.losses), {&got.loads, &wanted.loads}}) {
    ASSERT_EQ(ours->size(), theirs->size());
    for (const auto& [name, value] : *theirs) EXPECT_NEAR(ours->at(name), value, 1e-12) << name;
  }
}

/// Eq. 9 in plain autograd, written out.
class PlainStreams {
 public:
  explicit PlainStreams(torch::Tensor h) : next_(h), other_(h) {}
  void add(BlockImpl& block, Norm& norm, Norm& out_norm, const torch::Tensor& scale,
           const std::function<torch::Tensor(const torch::Tensor&)>& sub_layer) {
    auto y = sub_layer(norm(other_));
    if (out_norm) y = out_norm(y);
    if (scale.defined()) y = y * scale;
    next_ = next_ + block.dropout(y);
    std::swap(next_, other_);
  }
  torch::Tensor mean() const { return (next_ + other_) / 2; }

 private:
  torch::Tensor next_, other_;
};

std::vector<testing::NamedGpt> reversible_gpts() {
  GptOptions plain = testing::tiny_gpt();
  plain.reversible = true;
  plain.layers = 3;
  plain.residual_dropout = plain.attention_dropout = plain.activation_dropout = 0.2;

  GptOptions t5 = plain;  // the bias of all layers has a gradient
  t5.position = PositionKind::kBucketed;
  t5.head_dropout = 0.3;
  t5.head_diversity = 0.4;

  GptOptions transformer_xl = plain;  // whose u and v are of no layer
  transformer_xl.position = PositionKind::kTransformerXl;

  GptOptions experts = plain;
  experts.position = PositionKind::kRotary;
  experts.experts = 3;
  experts.expert_every = 2;
  experts.layers = 4;
  experts.expert_capacity = 1.0;
  experts.expert_balance = 0.3;
  experts.router_z_loss = 0.2;

  GptOptions gemma = plain;
  gemma.norm_place = NormPlace::kSandwich;
  gemma.norm = NormKind::kRms;
  gemma.layer_scale = 0.5;
  gemma.qk_norm = true;
  gemma.window = 3;

  GptOptions reformer = plain;  // which draws its buckets
  reformer.mixer = MixerKind::kReformer;
  reformer.attention_dropout = 0.0;
  testing::shrink(reformer);

  GptOptions hybrid = plain;
  hybrid.mixer_pattern = "ssd,softmax,linear";
  hybrid.future_tokens = 1;
  return {{"plain", plain},     {"t5", t5},       {"transformer_xl", transformer_xl},
          {"experts", experts}, {"gemma", gemma}, {"reformer", reformer},
          {"hybrid", hybrid}};
}

class ReversibleGptTest : public ::testing::TestWithParam<testing::NamedGpt> {
 protected:
  void SetUp() override {
    torch::manual_seed(9);
    gpt = Gpt(GetParam().options);
    gpt->to(torch::kDouble);
  }
  Gpt gpt{nullptr};
  const torch::Tensor tokens = torch::randint(17, {3, 11}, torch::kLong);
  const AttendArgs ragged{.key_lengths = torch::tensor({11, 4, 7}, torch::kLong)};
};

TEST_P(ReversibleGptTest, AStepIsThatOfTwoStreamsInPlainAutograd) {
  const auto got = step_of(*gpt, [&] { return gpt->forward(tokens, {.args = ragged}); });
  if (GetParam().options.future_tokens > 0) return;  // a loss that the next lines have not
  const auto wanted = step_of(*gpt, [&] {
    SelfAttentionContext context{.args = ragged, .position = gpt->position.get()};
    context.args.causal = true;
    context.positions = torch::arange(tokens.size(1), torch::kLong).unsqueeze(0);
    place(context, tokens.size(1), nullptr);
    PlainStreams streams(gpt->embedding_dropout(
        gpt->position->embed(gpt->token_embedding(tokens), context.positions)));
    for (const auto& module : *gpt->blocks) {
      auto& b = *module->as<BlockImpl>();
      streams.add(b, b.attention_norm, b.attention_out_norm, b.attention_scale,
                  [&](const torch::Tensor& y) { return b.mix(y, context); });
      streams.add(b, b.feed_forward_norm, b.feed_forward_out_norm, b.feed_forward_scale,
                  [&](const torch::Tensor& y) { return b.feed(y, context); });
    }
    return gpt->logits_of(gpt->final_norm(streams.mean()));
  });
  expect_same(got, wanted);
}

TEST_P(ReversibleGptTest, ATraceChangesNothing) {
  Trace trace{.hidden_states = true, .tensors = {}};
  const auto got = step_of(*gpt, [&] { return gpt->forward(tokens, {.args = ragged}); });
  const auto traced =
      step_of(*gpt, [&] { return gpt->forward(tokens, {.args = ragged, .trace = &trace}); });
  expect_same(got, traced);
  EXPECT_EQ(std::ssize(trace.tensors), gpt->options.layers + 1);
}

INSTANTIATE_TEST_SUITE_P(Models, ReversibleGptTest, ::testing::ValuesIn(reversible_gpts()),
                         testing::gpt_name);

TEST(ReversibleGptTest, KeepsTheTypesOfAutocastInBackward) {
  torch::manual_seed(10);
  Gpt gpt(reversible_gpts()[0].options);
  const auto tokens = torch::randint(17, {3, 11}, torch::kLong);
  const auto step = [&](Trace* trace) {
    at::autocast::set_autocast_enabled(torch::kCPU, true);
    at::autocast::set_autocast_dtype(torch::kCPU, torch::kBFloat16);
    auto result = step_of(*gpt, [&] {
      const auto y = gpt->forward(tokens, {.trace = trace}).to(torch::kFloat);
      at::autocast::set_autocast_enabled(torch::kCPU,
                                         false);  // backward is without, as in training
      return y;
    });
    at::autocast::clear_cache();
    return result;
  };
  Trace keeps;
  const auto got = step(nullptr), wanted = step(&keeps);
  EXPECT_TRUE(at::autocast::is_autocast_cache_enabled());
  ASSERT_EQ(got.gradients.size(), gpt->parameters().size());
  for (const auto& [name, gradient] : wanted.gradients) {
    const double error = (got.gradients.at(name) - gradient).norm().item<double>();
    EXPECT_LE(error, 1e-2 * gradient.norm().item<double>() + 1e-6) << name;
  }
}

TEST(ReversibleTransformerTest, CrossAttentionIsAThirdSubLayer) {
  auto options = TransformerOptions::tiny();
  options.vocab_size = 13;
  options.context = 12;
  options.d_model = 12;
  options.heads = 3;
  options.feed_forward = 20;
  options.norm_place = NormPlace::kPre;
  options.dropout = 0.2;
  options.encoder_layers = 2, options.decoder_layers = 3;
  options.reversible = true;
  torch::manual_seed(11);
  Transformer model(options);
  model->to(torch::kDouble);
  const auto source = torch::randint(13, {2, 7}, torch::kLong),
             target = torch::randint(13, {2, 5}, torch::kLong),
             lengths = torch::tensor({7, 4}, torch::kLong);
  const auto got = step_of(*model, [&] { return model->forward(source, lengths, target); });
  const auto embed = [&](torch::nn::Embedding& table, const Position& position,
                         const torch::Tensor& tokens) {
    const auto ids = torch::arange(tokens.size(1), torch::kLong).unsqueeze(0);
    const double scale = options.scale_embeddings ? std::sqrt(12.0) : 1.0;
    return model->embedding_dropout(position.embed(table(tokens) * scale, ids));
  };
  const auto wanted = step_of(*model, [&] {
    SelfAttentionContext context{.args = {.key_lengths = lengths}};
    PlainStreams encodes(embed(model->source_embedding, *model->source_position, source));
    const auto own = [&](PlainStreams& streams, BlockImpl& b) {
      streams.add(b, b.attention_norm, b.attention_out_norm, b.attention_scale,
                  [&](const torch::Tensor& y) { return b.attention(y, context); });
    };
    const auto feed = [&](PlainStreams& streams, BlockImpl& b) {
      streams.add(b, b.feed_forward_norm, b.feed_forward_out_norm, b.feed_forward_scale,
                  [&](const torch::Tensor& y) { return b.feed_forward(y); });
    };
    for (const auto& module : *model->encoder) {
      own(encodes, *module->as<BlockImpl>());
      feed(encodes, *module->as<BlockImpl>());
    }
    const auto encoded = model->encoder_norm(encodes.mean());
    context.args = {.causal = true};
    const auto keys_values = model->cross_keys_values(encoded, lengths);
    PlainStreams decodes(embed(model->target_embedding, *model->target_position, target));
    for (size_t n = 0; n < model->decoder->size(); ++n) {
      auto& b = model->decoder->at<BlockImpl>(n);
      own(decodes, b);
      decodes.add(b, b.cross_norm, b.cross_out_norm, b.cross_scale, [&](const torch::Tensor& y) {
        return b.cross_attention->cross(y, keys_values[n]);
      });
      feed(decodes, b);
    }
    return model->logits_of(model->decoder_norm(decodes.mean()));
  });
  expect_same(got, wanted);
}

}  // namespace
}  // namespace zoo
