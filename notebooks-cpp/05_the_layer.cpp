// %% [markdown]
// # 5. The layer
//
// A transformer is one layer, repeated. The layer has four parts: a norm, attention, a feed-forward
// network, and the residual stream that all of them read and write. You will compute one layer by
// hand, compare it with the zoo's, and then take the parts out one at a time.
//
// **Before you read on, write down two guesses.** In a stack of 24 layers without residual
// connections, how many times smaller is the gradient at the first layer than at the last? And
// which part of a layer holds most of its parameters?
//
// You need attention and many heads (lessons 2 and 3). At the end you can say in which order the
// parts stand, what happens when one is missing, and where dropout belongs.

// %%
#include <fmt/format.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "models/attention/attend.h"
#include "models/gpt/gpt.h"
#include "models/layers/block.h"
#include "models/layers/stack_options.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/loop/schedule.h"
#include "train/objectives/token_loss.h"

// %% [markdown]
// ## By hand, on four tokens
// Take four tokens of width $C = 2$: (1, 3), (4, 2), (0, 2), (3, 5). Let every query and key be
// zero, so that attention is the mean of all tokens, and let the feed-forward network be
// $\max(0, x)$. Layer norm of two numbers is easy: the smaller becomes $-1$, the larger $+1$.
//
// - *Pre-norm* (GPT-2 and later): norm, sub-layer, add. The norms are (-1, 1), (1, -1), (-1, 1),
//   (-1, 1); their mean is (-0.5, 0.5), and the first token becomes (0.5, 3.5). Its norm is (-1,
//   1), ReLU makes it (0, 1), the sum is (0.5, 4.5).
// - *Post-norm* (the paper of 2017): sub-layer, add, norm. The mean is (2, 3), the first token
//   becomes (3, 6), its norm (-1, 1); ReLU adds (0, 1), and the last norm gives (-1, 1) again.
//
// The next cell holds all four tokens, both ways.

// %%
const auto tokens = torch::tensor({1., 3., 4., 2., 0., 2., 3., 5.}).view({1, 4, 2});  // [B, T, C]
const auto pre_by_hand = torch::tensor({.5, 4.5, 4.5, 2.5, -.5, 3.5, 2.5, 6.5}).view({1, 4, 2});
const auto post_by_hand = torch::tensor({-1., 1., 1., -1., -1., 1., -1., 1.}).view({1, 4, 2});

// %% [markdown]
// ## The formulas
//
// Post-norm is Vaswani et al. 2017 (arXiv:1706.03762), §3.1; pre-norm is discussed by Xiong et al.
// 2020 (arXiv:2002.04745).
//
// | | attention | feed-forward network |
// |---|---|---|
// | post | $h = \mathrm{LN}(x + \mathrm{Attn}(x))$ | $y = \mathrm{LN}(h + \mathrm{FFN}(h))$ |
// | pre | $h = x + \mathrm{Attn}(\mathrm{LN}(x))$ | $y = h + \mathrm{FFN}(\mathrm{LN}(h))$ |
//
// | tensor | shape |
// |---|---|
// | $x$, $h$, $y$ | $[B, T, C]$ |
// | queries, keys, values | $[B, H, T, C/H]$ |
// | hidden layer of the FFN | $[B, T, F]$, usually $F = 4C$ |
//
// Here are both formulas as code, from the parts of the zoo's `Block`.

// %%
torch::Tensor pre_norm(zoo::Block& block, const torch::Tensor& x) {
  const auto h = x + block->attention(block->attention_norm(x));  // [B, T, C]
  return h + block->feed_forward(block->feed_forward_norm(h));    // [B, T, C]
}

torch::Tensor post_norm(zoo::Block& block, const torch::Tensor& x) {
  const auto h = block->attention_norm(x + block->attention(x));  // [B, T, C]
  return block->feed_forward_norm(h + block->feed_forward(h));    // [B, T, C]
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// %%
/// A block whose weights you can follow by hand: attention is a mean, the feed-forward network
/// ReLU.
zoo::Block block_by_hand(zoo::NormPlace place) {
  zoo::Block block(zoo::BlockOptions{
      .attention = {.d_model = 2, .heads = 1, .bias = false, .out_bias = false},
      .feed_forward =
          {.d_model = 2, .width = 2, .activation = zoo::Activation::kRelu, .bias = false},
      .norm = {.epsilon = 0.0},
      .norm_place = place});
  const torch::NoGradGuard no_grad;
  const auto one = torch::eye(2), none = torch::zeros({2, 2});
  block->attention->in_proj->weight.copy_(
      torch::cat({none, none, one}));  // [3 C, C]: queries, keys, values
  block->attention->out_proj->weight.copy_(one);
  block->feed_forward->in_proj->weight.copy_(one);
  block->feed_forward->out_proj->weight.copy_(one);
  return block;
}

// %% [markdown]
// Question 16. *In which order do norm, attention, residual and feed-forward network stand?* If the
// module has the order of the formulas, it must give the numbers that you computed. The negative
// control: a pre-norm block evaluated with the post-norm formula must not.

// %%
zoo::Block pre = block_by_hand(zoo::NormPlace::kPre), post = block_by_hand(zoo::NormPlace::kPost);
std::cout << "pre-norm\n" << pre(tokens)[0] << "\npost-norm\n" << post(tokens)[0] << "\n";
nb::claim("Both blocks = hand numbers (largest difference)",
          std::max(largest_difference(pre(tokens), pre_by_hand),
                   largest_difference(post(tokens), post_by_hand)),
          nb::at_most(1e-5));
nb::refute("The other order gives the same numbers",
           largest_difference(post_norm(pre, tokens), pre_by_hand), nb::at_most(1e-5));

// %% [markdown]
// Look at the last token of the pre-norm output: (3, 5) has become (2.5, 6.5). Nothing normalises
// the residual stream itself. That is why every pre-norm model needs one last norm before its
// output layer, and a post-norm model does not.
//
// The two formulas also equal the module at the usual size, with random weights.

// %%
torch::manual_seed(1);
zoo::StackOptions sizes{.layers = 24, .d_model = 64, .heads = 4};
zoo::resolve(sizes);  // F = 4 C, Dh = C / H
sizes.norm_place = zoo::NormPlace::kPre;
zoo::Block random_pre(zoo::block_options(sizes, 0));
sizes.norm_place = zoo::NormPlace::kPost;
zoo::Block random_post(zoo::block_options(sizes, 0));
const auto x = torch::randn({2, 16, 64});  // [B, T, C]
const double order_error = std::max(largest_difference(random_pre(x), pre_norm(random_pre, x)),
                                    largest_difference(random_post(x), post_norm(random_post, x)));
nb::claim("Both formulas = the module, C = 64 (largest difference, seed 1)", order_error,
          nb::at_most(1e-5));

// %% [markdown]
// ## Why residuals, why two norms
// Stack 24 layers and send a gradient back. The loss must tell tokens apart, as every next-token
// loss does, so we use a random projection of the output that sums to zero over the tokens. Four
// ways to wire the same parts:

// %%
enum class Wiring { kPre, kPost, kNoResidual, kNoNorm };

torch::Tensor wired(Wiring wiring, zoo::Block& block, const torch::Tensor& x) {
  if (wiring == Wiring::kNoResidual)
    return block->feed_forward(
        block->feed_forward_norm(block->attention(block->attention_norm(x))));
  if (wiring == Wiring::kNoNorm) {
    const auto h = x + block->attention(x);
    return h + block->feed_forward(h);
  }
  return block(x);  // [B, T, C]
}

/// Weights N(0, 1 / inputs), so that a product is as large as its input. Tables keep theirs.
void keep_size(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.named_parameters())
    if (parameter.key().ends_with("proj.weight"))
      parameter.value().normal_(0.0,
                                1.0 / std::sqrt(static_cast<double>(parameter.value().size(1))));
}

struct Depth {
  std::vector<double> layer, size,
      gradient;  // size: root mean square of the stream; gradient: relative to the last
};

// %%
/// One forward and one backward pass through 24 random layers.
Depth measure_depth(Wiring wiring) {
  zoo::StackOptions o{.layers = 24, .d_model = 64, .heads = 4};
  zoo::resolve(o);
  if (wiring == Wiring::kPost) o.norm_place = zoo::NormPlace::kPost;
  std::vector<torch::Tensor> states{torch::randn({4, 16, 64}).requires_grad_()};
  for (int64_t n = 0; n < o.layers; ++n) {
    zoo::Block block(zoo::block_options(o, n));
    keep_size(*block);
    states.push_back(wired(wiring, block, states.back()));
  }
  auto direction = torch::randn_like(states.back());
  direction = direction - direction.mean(1, /*keepdim=*/true);  // blind to what all tokens share
  const auto gradients = torch::autograd::grad({(states.back() * direction).sum()}, states);
  Depth depth;
  for (size_t n = 0; n < states.size(); ++n) {
    depth.layer.push_back(static_cast<double>(n));
    depth.size.push_back(states[n].square().mean().sqrt().item<double>());
    depth.gradient.push_back((gradients[n].norm() / gradients.back().norm()).item<double>());
  }
  return depth;
}

// %%
torch::manual_seed(1);
const Depth with_pre = measure_depth(Wiring::kPre), with_post = measure_depth(Wiring::kPost);
const Depth no_residual = measure_depth(Wiring::kNoResidual),
            no_norm = measure_depth(Wiring::kNoNorm);
nb::plot(
    {{.label = "pre-norm", .x = with_pre.layer, .y = with_pre.gradient},
     {.label = "post-norm", .x = with_post.layer, .y = with_post.gradient},
     {.label = "no residual", .x = no_residual.layer, .y = no_residual.gradient}},
    {.title = "Gradient by depth: follow each curve from right to left, as the gradient travels",
     .x = "layer",
     .y = "gradient / gradient at the output",
     .log_y = true});

// %% [markdown]
// Question 17. *Why residuals, and why two norms?* The sum $x + \ldots$ gives the gradient a path
// of slope 1 from the output to every layer. Read the left ends of the curves, and compare them
// with your guess.

// %%
nb::print(fmt::format("at the first layer: pre {:.2g}, post {:.2g}, without residual {:.2g}\n",
                      with_pre.gradient[0], with_post.gradient[0], no_residual.gradient[0]));
nb::claim("Pre-norm: gradient at layer 0 / at layer 24 (seed 1)", with_pre.gradient[0],
          nb::between(1, 10));
nb::claim("Post-norm: the same", with_post.gradient[0], nb::at_most(0.1));
nb::claim("Without residuals: the same", no_residual.gradient[0], nb::at_most(1e-4));

// %% [markdown]
// Without residuals the gradient is lost in the last layer: by then all tokens are one vector
// (below). What is left, some $10^{-7}$, is the rounding of float32; the true value is smaller
// still.
//
// Post-norm loses gradient slowly. Each of its norms divides the residual path by the standard
// deviation of the sum, twice in every layer, and that is the slope of its curve. In a pre-norm
// stack no norm stands on the path.
//
// The other half of the question is the forward pass. Each norm keeps what *its* sub-layer reads at
// size 1, so a layer needs one for attention and one for the feed-forward network. Without them,
// each layer multiplies the stream.

// %%
nb::plot({{.label = "pre-norm", .x = with_pre.layer, .y = with_pre.size},
          {.label = "post-norm", .x = with_post.layer, .y = with_post.size},
          {.label = "no norm", .x = no_norm.layer, .y = no_norm.size}},
         {.title = "Size of the residual stream: a straight line here is exponential growth",
          .x = "layer",
          .y = "root mean square",
          .log_y = true});
nb::claim("Without norms: size of the stream after 24 layers (seed 1)", no_norm.size.back(),
          nb::at_least(1000));

// %% [markdown]
// ## Where it breaks: post-norm without warm-up
//
// Adam's first steps are as long as the learning rate allows (lesson 8 measures it), and follow a
// few noisy batches. Post-norm layers lean on their sub-layers more, so such steps add up to a
// large change of the output (Liu et al. 2020, arXiv:2004.08249, who find that unbalanced gradients
// are not the root cause), and this stack does not recover. The task is trivial: after token $i$
// always comes token $\pi(i)$, for a fixed permutation $\pi$ of 32 tokens. Guessing costs
// $\ln 32 = 3.47$ nats. Which of three runs fails: pre-norm without warm-up, post-norm without,
// post-norm with?

// %%
/// The loss at every update of a GPT with 8 layers.
std::vector<double> losses(zoo::NormPlace place, int64_t warmup_steps) {
  torch::manual_seed(1);
  zoo::GptOptions o;
  o.vocab_size = 32, o.context = 16, o.layers = 8, o.d_model = 64, o.heads = 2;
  o.norm_place = place, o.tie_embeddings = false;
  zoo::Gpt gpt(o);
  keep_size(*gpt);
  zoo::AdamW optimizer(*gpt, {});
  const zoo::ScheduleOptions schedule{.kind = zoo::ScheduleKind::kConstant,
                                      .warmup_steps = warmup_steps};
  const auto next = torch::randperm(o.vocab_size, torch::kLong);
  std::vector<double> losses;
  for (int64_t step = 0; step < 200; ++step) {
    std::vector<torch::Tensor> text{torch::randint(o.vocab_size, {8, 1}, torch::kLong)};
    while (std::ssize(text) <= o.context) text.push_back(next.index({text.back()}));
    const auto tokens = torch::cat(text, 1);  // [B, T + 1]
    const auto loss = zoo::token_loss(gpt(tokens.slice(1, 0, o.context)), tokens.slice(1, 1));
    losses.push_back(loss.sum.item<double>() / loss.tokens);
    loss.sum.backward();
    optimizer.step(3e-3 * zoo::schedule_factor(schedule, step), loss.tokens);
    optimizer.zero_gradients();
  }
  return losses;
}

// %%
/// The mean of the last 20 values.
double at_end(const std::vector<double>& values) {
  return std::accumulate(values.end() - 20, values.end(), 0.0) / 20;
}

const auto pre_losses = losses(zoo::NormPlace::kPre, 0),
           post_losses = losses(zoo::NormPlace::kPost, 0);
const auto warm_losses = losses(zoo::NormPlace::kPost, 100);
std::vector<double> updates(pre_losses.size());
std::iota(updates.begin(), updates.end(), 1.0);
nb::plot({{.label = "pre-norm", .x = updates, .y = pre_losses},
          {.label = "post-norm", .x = updates, .y = post_losses},
          {.label = "post-norm, warm-up", .x = updates, .y = warm_losses}},
         {.title = "Loss: one of the three hardly falls", .x = "update", .y = "loss in nats"});
nb::print(fmt::format("last 20 updates: pre {:.3f}, post {:.3f}, post with warm-up {:.3f}\n",
                      at_end(pre_losses), at_end(post_losses), at_end(warm_losses)));
nb::claim("Post-norm without warm-up: loss at the end (seed 1)", at_end(post_losses),
          nb::at_least(2));
nb::claim("Post-norm with 100 updates of warm-up: the same", at_end(warm_losses), nb::at_most(1));
nb::claim("Pre-norm without warm-up: the same", at_end(pre_losses), nb::at_most(0.5));

// %% [markdown]
// ## The feed-forward network
// It works on each token alone: $\mathrm{FFN}(x) = W_2\, f(W_1 x)$, §3.3. $f$ is ReLU in the paper,
// GELU in GPT and BERT (Hendrycks & Gimpel 2016, arXiv:1606.08415), and SwiGLU in Llama:
// $W_2 (\mathrm{silu}(W_g x) \odot W_v x)$ (Shazeer 2020, arXiv:2002.05202), with
// $F = \tfrac{8}{3} C$ so that three matrices weigh as much as two.
//
// Attention only mixes tokens: for fixed weights it is linear in the values. So look at a task for
// one token, the product of two of its numbers, which no linear map can do.

// %%
/// Share of the variance of x0 x1 that a trained feed-forward network leaves unexplained.
double unexplained(zoo::Activation activation) {
  torch::manual_seed(1);
  const int64_t width = activation == zoo::Activation::kSwiglu ? 43 : 64;
  zoo::FeedForward network(
      zoo::FeedForwardOptions{.d_model = 16, .width = width, .activation = activation});
  zoo::AdamW optimizer(*network, {.weight_decay = 0.0});
  torch::Tensor loss;
  for (int step = 0; step < 2000; ++step) {
    const auto x = torch::rand({64, 1, 16}) * 2 - 1;  // [B, T, C], variance of the product: 1/9
    const auto wanted = x.select(-1, 0) * x.select(-1, 1);  // [B, T]
    loss = (network(x).select(-1, 0) - wanted).square().mean();
    loss.backward();
    optimizer.step(3e-3);
    optimizer.zero_gradients();
  }
  return 9 * loss.item<double>();
}

// %%
const auto share = [](zoo::Block& block) {
  double ffn = 0, all = 0;
  for (const auto& p : block->parameters()) all += static_cast<double>(p.numel());
  for (const auto& p : block->feed_forward->parameters()) ffn += static_cast<double>(p.numel());
  return ffn / all;
};
const double relu = unexplained(zoo::Activation::kRelu), gelu = unexplained(zoo::Activation::kGelu),
             swiglu = unexplained(zoo::Activation::kSwiglu);
const auto inputs = torch::rand({4096, 16}) * 2 - 1;
const auto products = (inputs.select(1, 0) * inputs.select(1, 1)).unsqueeze(1);
const auto best_map = torch::matmul(torch::pinverse(inputs), products);  // [16, 1] least squares
const double linear =
    9 * (torch::matmul(inputs, best_map) - products).square().mean().item<double>();
nb::table({"feed-forward network", "variance left"},
          {{"ReLU", fmt::format("{:.3f}", relu)},
           {"GELU", fmt::format("{:.3f}", gelu)},
           {"SwiGLU", fmt::format("{:.3f}", swiglu)},
           {"best linear map", fmt::format("{:.3f}", linear)}});

// %% [markdown]
// Question 18. *Why a position-wise feed-forward network, and which activation?* It holds $8C^2$ of
// a layer's $12C^2$ weights, which answers your second guess. Between the norms, and for fixed
// attention weights, it is the only part that is not linear. What keeps tokens apart is the
// residual: without it they become equal (below), and without the FFN they do not. All three
// activations do this task; on real text, too, they are close, and SwiGLU is usually a little
// ahead.

// %%
nb::claim("Feed-forward network's share of a block's parameters", share(random_pre),
          nb::near(2.0 / 3, 0.01));
nb::claim("ReLU and GELU: variance left, the larger (seed 1)", std::max(relu, gelu),
          nb::at_most(0.02));
nb::claim("SwiGLU: variance left (seed 1)", swiglu, nb::at_most(0.02));
nb::refute("The best linear map does it as well", linear, nb::at_most(0.5));

// %% [markdown]
// Rank collapse: attention alone is an average, and an average of averages is soon the same for all
// tokens. Dong et al. 2021 (arXiv:2103.03404) prove that what is left of the differences falls
// doubly exponentially with depth. We measure
// $\lVert X - \mathbf 1 \bar x^\top \rVert / \lVert X \rVert$, where $\bar x$ is the mean token: 0
// if all tokens are equal.

// %%
/// By layer, for 12 random layers.
std::vector<double> differences(bool residual, bool feed_forward) {
  const torch::NoGradGuard no_grad;
  zoo::StackOptions o{.layers = 12, .d_model = 64, .heads = 4};
  zoo::resolve(o);
  auto h = torch::randn({1, 16, 64});  // [B, T, C]
  std::vector<double> left;
  for (int64_t n = 0; n < o.layers; ++n) {
    zoo::Block block(zoo::block_options(o, n));
    keep_size(*block);
    const auto add = [&](const torch::Tensor& y) { return residual ? h + y : y; };
    h = add(block->attention(block->attention_norm(h)));
    if (feed_forward) h = add(block->feed_forward(block->feed_forward_norm(h)));
    left.push_back(((h - h.mean(1, /*keepdim=*/true)).norm() / h.norm()).item<double>());
  }
  return left;
}

// %%
torch::manual_seed(1);
const auto attention_only = differences(false, false), with_residual = differences(true, false);
const auto whole_layer = differences(true, true), without_residual = differences(false, true);
std::vector<double> layers(12);
std::iota(layers.begin(), layers.end(), 1.0);
nb::plot({{.label = "attention only", .x = layers, .y = attention_only},
          {.label = "attention, FFN", .x = layers, .y = without_residual},
          {.label = "attention, residual", .x = layers, .y = with_residual},
          {.label = "whole layer", .x = layers, .y = whole_layer}},
         {.title = "How different the tokens still are: two curves hit the floor of float32",
          .x = "layer",
          .y = "share that differs",
          .log_y = true});
nb::print(fmt::format("after 12 layers: {:.1e}, {:.1e}, {:.2f}, {:.2f}\n", attention_only[11],
                      without_residual[11], with_residual[11], whole_layer[11]));
nb::claim("Attention only: differences left after 6 layers (seed 1)", attention_only[5],
          nb::at_most(1e-4));
nb::claim("Attention and feed-forward network, no residual: after 12 layers", without_residual[11],
          nb::at_most(1e-4));
nb::claim("Attention and residual, no feed-forward network: after 12 layers", with_residual[11],
          nb::between(0.3, 0.95));
nb::claim("Whole layer: after 12 layers", whole_layer[11], nb::between(0.3, 0.95));

// %% [markdown]
// ## Where dropout sits
// Four places, each with its own option: on the embeddings, on the attention weights, on the hidden
// layer of the feed-forward network, and on each sub-layer's output just before it is added.
// Dropout sets a share $p$ of the values to zero and multiplies the others by $1 / (1 - p)$
// (Srivastava et al. 2014). Switch each one on alone.

// %%
/// A small GPT whose dropouts are all 0.
zoo::GptOptions without_dropout() {
  zoo::GptOptions o;
  o.vocab_size = 16, o.context = 8, o.layers = 1, o.d_model = 32, o.heads = 2;
  o.attention = "matmul";
  o.init_std = 0.2;
  return o;
}

/// What two passes over the same tokens differ by, relative to the logits.
double two_passes(zoo::Gpt& gpt, bool training) {
  const torch::NoGradGuard no_grad;
  gpt->train(training);
  const auto tokens = torch::arange(8).unsqueeze(0);  // [B, T]
  const auto first = gpt(tokens), second = gpt(tokens);
  return ((first - second).norm() / first.norm()).item<double>();
}

// %%
torch::manual_seed(1);
const std::pair<const char*, double zoo::GptOptions::*> sites[] = {
    {"embeddings", &zoo::GptOptions::embedding_dropout},
    {"attention weights", &zoo::GptOptions::attention_dropout},
    {"hidden layer", &zoo::GptOptions::activation_dropout},
    {"sub-layer outputs", &zoo::GptOptions::residual_dropout}};
double least_noise = 1, most_in_evaluation = 0;
std::vector<std::vector<std::string>> rows;
for (const auto& [name, option] : sites) {
  zoo::GptOptions o = without_dropout();
  o.*option = 0.5;
  zoo::Gpt gpt(o);
  const double training = two_passes(gpt, true), evaluation = two_passes(gpt, false);
  least_noise = std::min(least_noise, training);
  most_in_evaluation = std::max(most_in_evaluation, evaluation);
  rows.push_back({name, fmt::format("{:.2f}", training), fmt::format("{:.2f}", evaluation)});
}
nb::table({"dropout on", "two passes differ, train()", "eval()"}, rows);

// %% [markdown]
// Question 19. *Where does dropout sit?* Each of the four makes two training passes differ; in
// evaluation none does. The control is a model whose options are all 0: it must be exact in both
// modes.

// %%
zoo::Gpt quiet(without_dropout());
nb::claim("train(): smallest difference of two passes, any site (seed 1)", least_noise,
          nb::at_least(0.02));
nb::claim("eval(): largest difference of two passes, any site", most_in_evaluation, nb::near(0, 0));
nb::refute("Without dropout two training passes differ as well", two_passes(quiet, true),
           nb::at_least(0.02));

// %% [markdown]
// To see dropout on the attention weights, give `attend` an identity matrix as values: its output
// is then the weights themselves. With equal scores and four keys every weight is $1/4$. Dropped
// with $p = 0.5$, it is 0 or $1/2$.

// %%
torch::manual_seed(1);
const auto equal = torch::zeros({1, 1, 64, 4});  // [B, H, T, Dh]
const auto dropped =
    zoo::attend("matmul", equal, torch::zeros({1, 1, 4, 4}), torch::eye(4).view({1, 1, 4, 4}),
                {.dropout = 0.5})[0][0];  // [T, S]
nb::show(dropped.slice(0, 0, 16).t(),
         {.title = "Attention weights after dropout: only 0 and 1/2 occur",
          .rows = "Key",
          .columns = "Query"});
nb::print(fmt::format("zeros: {:.3f}, mean weight: {:.3f}\n",
                      dropped.eq(0).to(torch::kFloat).mean().item<double>(),
                      dropped.mean().item<double>()));
nb::claim("Share of weights that are 0 (seed 1)",
          dropped.eq(0).to(torch::kFloat).mean().item<double>(), nb::near(0.5, 0.12));

// %% [markdown]
// ## What you have measured
//
// | claim | question |
// |---|---|
// | pre-norm: norm, sub-layer, add; post-norm: sub-layer, add, norm | 16 |
// | without residuals the gradient is gone; without norms the stream explodes | 17 |
// | post-norm needs warm-up, pre-norm does not | 17 |
// | the FFN is 2/3 of a layer and does what no linear map can | 18 |
// | without residuals all tokens become equal, with or without an FFN | 18 |
// | dropout has four sites; all of them are off in evaluation | 19 |
//
// ## Try it
//
// 1. *Post-norm without warm-up*: change `o.layers` from 8 to 2. Predict whether post-norm still
//    needs its warm-up. Which claim fails?
// 2. *Why residuals*: halve the standard deviation in `keep_size`. Predict for each of the three
//    curves whether its left end rises or falls. Which claims fail, and what does that say about
//    warm-up?
// 3. *By hand*: set `.epsilon = 1.0` in `block_by_hand`. Which claim fails, and by how much?
//    Compute the first norm again.
// 4. *The feed-forward network*: give SwiGLU the width 64. Do half as many parameters again help
//    more than the gate did?
// 5. *Why residuals*: write `wired` for parallel sub-layers,
//    $x + \mathrm{Attn}(\mathrm{LN}(x)) + \mathrm{FFN}(\mathrm{LN}(x))$. Predict its gradient
//    curve.
//
// **Next**: [6. Encoder and decoder](06_encoder_decoder.ipynb): two stacks of this layer, joined by
// cross-attention.
