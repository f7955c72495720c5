// %% [markdown]
// # 19. Experts
//
// Most of a transformer's weights stand in its feed-forward networks, and every token passes all of
// them. A mixture of experts has many such networks, and a router that sends each token to a few:
// more weights, with the work of a small model. Switch, Mixtral, Qwen 3 MoE and DeepSeek-V3 are built
// so. In this lesson you route by hand, count the work, train eight experts on a task with eight
// parts, and see what happens when nobody keeps them busy.
//
// **Before you read on, write down two guesses.** A layer gets 64 experts instead of 8; each token
// still passes 2. By how much does the work grow? And if nothing makes the router share out tokens
// evenly, how many of eight experts stay in use?
//
// You need the layer ([lesson 5](05_the_layer.ipynb)).

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/cost/expert_cost.h"
#include "models/experts/expert_statistics.h"
#include "models/experts/mixture_of_experts.h"
#include "models/experts/routing_losses.h"
#include "models/layers/auxiliary_losses.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/loop/schedule.h"

torch::manual_seed(19);

// %% [markdown]
// ## By hand: one token, three experts
//
// The router is a matrix: it gives a token one number for each expert, and a softmax makes them
// probabilities. Let them be 0.2, 0.5 and 0.3, and let a token pass K = 2 experts. The second and the
// third are chosen, in this order. Mixtral divides their probabilities by their sum, so that they
// weigh 0.625 and 0.375; Switch takes 0.5 and 0.3 as they are.

// %%
const auto logits = torch::tensor({{0.2F, 0.5F, 0.3F}}).log();  // [N, E]
const auto mixtral = zoo::route(logits, 2, zoo::RouterScore::kSoftmax, /*renormalise=*/true);
const auto plain = zoo::route(logits, 2, zoo::RouterScore::kSoftmax, /*renormalise=*/false);
const auto numbers = [](const torch::Tensor& t) {
  return fmt::format("{:.3f}  {:.3f}", t[0][0].item<double>(), t[0][1].item<double>());
};
nb::table({"", "by hand", "by the zoo"},
          {{"experts", "1  2", fmt::format("{}  {}", mixtral.chosen[0][0].item<int64_t>(),
                                           mixtral.chosen[0][1].item<int64_t>())},
           {"weights that sum to 1", "0.625  0.375", numbers(mixtral.weights)},
           {"probabilities", "0.500  0.300", numbers(plain.weights)}});
nb::claim("the weights of the two experts differ from those by hand by",
          (mixtral.weights - torch::tensor({{0.625F, 0.375F}})).abs().max().item<double>(),
          nb::at_most(1e-6));

// %% [markdown]
// ## The formula
//
// $$y = \sum_{e \in \mathrm{top}_K} g_e(x)\, \mathrm{FFN}_e(x), \qquad g(x) = \mathrm{softmax}(W_r x)$$
//
// Shazeer et al. 2017 ([arXiv:1701.06538](https://arxiv.org/abs/1701.06538), Eq. 1); for K = 1 Fedus et
// al. 2021 ([arXiv:2101.03961](https://arxiv.org/abs/2101.03961), Eq. 2).
//
// | tensor | shape |
// |---|---|
// | tokens $x$ | $[N, C]$ |
// | router $W_r$ | $[E, C]$ |
// | chosen, weights | $[N, K]$ |
// | rows of all experts together | $[N K, C]$ |
//
// Computed as it is written, every expert runs for every token, and most results are multiplied by
// zero. The zoo sorts the $N K$ choices by expert instead: each expert gets its rows in one piece. The
// results must be the same, and an expert that nobody chose must not be read at all. To see that, fill
// the idle ones with NaN.

// %%
zoo::MixtureOfExperts four(zoo::MixtureOfExpertsOptions{
    .expert = {.d_model = 8, .width = 16}, .experts = 4, .experts_per_token = 2});
const auto x = torch::randn({5, 8});  // [N, C]
const auto routing = zoo::route(torch::linear(x, four->router->weight), 2,
                                zoo::RouterScore::kSoftmax, /*renormalise=*/true);
const auto gates = torch::zeros({5, 4}).scatter(1, routing.chosen, routing.weights);  // [N, E]
auto written_out = torch::zeros({5, 8});
for (int64_t e = 0; e < 4; ++e) {
  const auto of_expert = four->experts->at<zoo::FeedForwardImpl>(static_cast<size_t>(e)).forward(x);
  written_out = written_out + gates.narrow(1, e, 1) * of_expert;
}
nb::claim("sorted by expert, or every expert for every token: largest difference",
          (four(x) - written_out).abs().max().item<double>(), nb::at_most(1e-5));
{
  const torch::NoGradGuard no_grad;
  four->router->weight.zero_();  // equal scores: experts 0 and 1, the lowest numbers
  for (const size_t idle : {2U, 3U}) {
    for (auto& weight : four->experts->at<zoo::FeedForwardImpl>(idle).parameters())
      weight.fill_(NAN);
  }
  nb::claim("with NaN in two idle experts the result is finite",
            four(x).isfinite().all().item<bool>());
}

// %% [markdown]
// ## Many weights, little work
//
// Count before you train. The layer has the sizes of Mixtral's: width 4096, experts 14336 wide with
// SwiGLU, two for each token. Look at the two lines of the picture: one grows with the number of
// experts, the other does not.

// %%
zoo::MixtureOfExpertsOptions sized(int64_t experts) {
  return {.expert = {.d_model = 4096,
                     .width = 14336,
                     .activation = zoo::Activation::kSwiglu,
                     .bias = false},
          .experts = experts,
          .experts_per_token = 2};
}

// %%
nb::Line weights{.label = "weights, billion", .x = {}, .y = {}};
nb::Line work{.label = "operations a token, billion", .x = {}, .y = {}};
for (int64_t experts = 2; experts <= 64; experts *= 2) {
  const auto cost = zoo::mixture_cost(sized(experts), /*N=*/1);
  weights.x.push_back(double(experts));
  weights.y.push_back(cost.parameters / 1e9);
  work.x.push_back(double(experts));
  work.y.push_back(cost.forward_flops / 1e9);
}
nb::plot({weights, work}, {.title = "One layer: weights grow with the experts, the work stays",
                           .x = "experts",
                           .y = "billion",
                           .log_x = true,
                           .log_y = true});
nb::print(fmt::format("8 experts: {:.2f} billion weights, 64: {:.2f}\n", weights.y[2],
                      weights.y[5]));
nb::claim("64 experts instead of 8: weights grow by", weights.y[5] / weights.y[2],
          nb::near(8, 0.01));
nb::claim("64 experts instead of 8: operations grow by", work.y[5] / work.y[2],
          nb::between(1, 1.01));

// %% [markdown]
// That was your first guess: the small growth is the router's. What grows is memory: all experts must be there, since the next
// token may want any of them.
//
// ## A task with eight parts
//
// Tokens come in eight kinds. Each kind has its place in the input space and its own map from input
// to output, drawn at random. A network must know eight maps; a token needs one.

// %%
constexpr int64_t kKinds = 8, kC = 16, kF = 16;
struct Task {
  torch::Tensor places, maps;  // [kinds, C], [kinds, C, C]
};
struct Examples {
  torch::Tensor x, y, kind;  // [N, C], [N, C], [N]
};
Task make_task() {
  const auto places = torch::randn({kKinds, kC}) * 1.5;
  return {places, torch::randn({kKinds, kC, kC}) / 4};
}
Examples draw(const Task& task, int64_t N) {
  const auto kind = torch::randint(kKinds, {N}, torch::kLong);
  const auto x = task.places.index_select(0, kind) + 0.5 * torch::randn({N, kC});
  const auto y = torch::tanh(x).unsqueeze(1).bmm(task.maps.index_select(0, kind)).squeeze(1);
  return {x, y, kind};
}

// %% [markdown]
// Three contenders: a feed-forward network with 16 hidden units, eight experts of that size of which
// a token passes one, and a network eight times as wide. The first two do the same work for a token,
// the last two have about the same number of weights. The experts train with a loss that keeps them
// evenly busy (Fedus et al., Eq. 4); more on it below.

// %%
zoo::MixtureOfExpertsOptions eight(double balance) {
  return {.expert = {.d_model = kC, .width = kF},
          .experts = kKinds,
          .experts_per_token = 1,
          .renormalise = false,
          .balance = balance};
}
/// Trains for 600 updates of 256 tokens; returns the error on new tokens, in that of guessing 0.
double train(torch::nn::Module& model, const Task& task, const std::string& name,
             const std::function<torch::Tensor(const torch::Tensor&)>& forward) {
  constexpr int64_t kSteps = 600;
  zoo::AdamW optimizer(model, {.weight_decay = 0.0});
  const zoo::ScheduleOptions schedule{.warmup_steps = 20, .steps = kSteps};
  for (int64_t step = 0; step < kSteps; ++step) {
    optimizer.zero_gradients();
    const zoo::AuxiliaryLosses auxiliary;  // layers add their losses to the backward pass
    const auto batch = draw(task, 256);
    torch::mse_loss(forward(batch.x), batch.y).backward();
    optimizer.step(1e-2 * zoo::schedule_factor(schedule, step));
    nb::progress(name, step + 1, kSteps);
  }
  const torch::NoGradGuard no_grad;
  const auto fresh = draw(task, 4000);
  return (torch::mse_loss(forward(fresh.x), fresh.y) / fresh.y.square().mean()).item<double>();
}

// %%
const Task task = make_task();
zoo::FeedForward small(zoo::FeedForwardOptions{.d_model = kC, .width = kF});
zoo::FeedForward wide(zoo::FeedForwardOptions{.d_model = kC, .width = kKinds * kF});
zoo::MixtureOfExperts experts(eight(/*balance=*/0.01));
const auto run = [&](auto& model, const std::string& name) {
  return train(*model, task, name, [&](const torch::Tensor& x) { return model(x); });
};
const double of_small = run(small, "one network");
const double of_experts = run(experts, "eight experts");
const double of_wide = run(wide, "one wide network");
const auto operations = [](const zoo::ModelCost& cost) {
  return fmt::format("{:.0f}", cost.forward_flops);
};
nb::table({"", "error", "operations a token"},
          {{"one network", fmt::format("{:.3f}", of_small),
            operations(zoo::feed_forward_cost(small->options, 1))},
           {"eight experts", fmt::format("{:.3f}", of_experts),
            operations(zoo::mixture_cost(experts->options, 1))},
           {"one network, eight times as wide", fmt::format("{:.3f}", of_wide),
            operations(zoo::feed_forward_cost(wide->options, 1))}});

// %% [markdown]
// Question 42. This is what Mixtral added to Llama's block: the error comes near that of the wide
// network, for about the work of the small one.

// %%
nb::claim("error of eight experts, in that of one network of the same work", of_experts / of_small,
          nb::at_most(0.4));
nb::claim("error of eight experts, in that of the wide network", of_experts / of_wide,
          nb::at_most(2));
nb::claim("operations of the experts, in those of the wide network",
          zoo::mixture_cost(experts->options, 1).forward_flops /
              zoo::feed_forward_cost(wide->options, 1).forward_flops,
          nb::at_most(0.2));

// %% [markdown]
// ## Who takes what?
//
// Nobody told the router that there are eight kinds. Count which expert the tokens of each kind go to.
// Look at the rows: most have one bright cell.

// %%
const auto seen = draw(task, 4000);
const auto choice = [&](zoo::MixtureOfExperts& model) {
  return zoo::route(torch::linear(seen.x, model->router->weight), 1, zoo::RouterScore::kSoftmax,
                    false)
      .chosen.squeeze(1);  // [N]
};
const auto counts = torch::bincount(seen.kind * kKinds + choice(experts), {}, kKinds * kKinds)
                        .view({kKinds, kKinds})
                        .to(torch::kFloat);
const auto shares = counts / counts.sum(1, true);  // [kind, expert]
nb::show(shares, {.title = "Share of a kind's tokens by expert: one bright cell a row",
                  .rows = "Kind",
                  .columns = "Expert"});
const double to_one = shares.amax(1).mean().item<double>();
nb::print(fmt::format("an average kind sends {:.0f} % of its tokens to one expert\n",
                      100 * to_one));
nb::claim("share of a kind's tokens that go to its first expert, on average", to_one,
          nb::at_least(0.8));

// %% [markdown]
// In language models the division is less neat: experts of Mixtral follow syntax and single tokens
// more than subjects (Jiang et al. 2024, [arXiv:2401.04088](https://arxiv.org/abs/2401.04088), §5).
//
// ## Where it breaks: idle experts
//
// An expert that gets more tokens learns more, becomes better and gets more tokens still. The
// balancing loss is $E \sum_e f_e P_e$, where $f_e$ is the share of tokens that went to expert $e$ and
// $P_e$ its mean probability: 1 where both are even, up to E where one expert takes all. By hand, two
// tokens with probabilities (0.9, 0.1) and (0.6, 0.4): f = (1, 0), P = (0.75, 0.25), the loss is 1.5.
// Now train without it, three times with other first weights, and count experts that get less than
// one token in a hundred.

// %%
const auto two = torch::tensor({{0.9F, 0.1F}, {0.6F, 0.4F}}).log();
const auto of_two = zoo::route(two, 1, zoo::RouterScore::kSoftmax, /*renormalise=*/false);
nb::claim("the balancing loss of the two tokens",
          zoo::load_balancing_loss(of_two).item<double>(), nb::near(1.5, 1e-5));
const auto load_of = [&](zoo::MixtureOfExperts& model) {
  const torch::NoGradGuard no_grad;
  zoo::ExpertStatistics statistics;  // layers of experts report to it
  model(seen.x);
  return statistics.layers().at(0);
};
std::vector<std::vector<std::string>> table;
std::vector<int64_t> idle = {0, 0};
for (int64_t n = 0; n < 3; ++n) {
  for (const bool balanced : {false, true}) {
    zoo::MixtureOfExperts model(eight(balanced ? 0.01 : 0.0));
    const double error = run(model, balanced ? "balanced" : "not balanced");
    auto share = load_of(model).share;
    idle[balanced ? 1 : 0] +=
        std::count_if(share.begin(), share.end(), [](double s) { return s < 0.01; });
    std::sort(share.rbegin(), share.rend());
    std::string text;
    for (const double s : share) text += fmt::format("{:.0f} ", 100 * s);
    table.push_back({balanced ? "balanced" : "not", text, fmt::format("{:.3f}", error)});
  }
}
nb::table({"", "tokens of each expert, per cent", "error"}, table);
nb::claim("idle experts of 24 without the balancing loss", double(idle[0]), nb::at_least(3));
nb::refute("the same with it", double(idle[1]), nb::at_least(3));

// %% [markdown]
// Your second guess: with these first weights four or five of eight stay in use. An idle expert gets
// no gradient, so it stays idle; the busy ones serve several kinds each.
//
// ## Where it breaks: room for so many
//
// On many devices an expert has room for a fixed number of tokens: the capacity, a factor times its
// even share N K / E. Choices beyond it are dropped; the residual connection carries such a token past
// the layer. That has a price: whether a token is dropped depends on the others in its batch. So the
// zoo limits experts in training only.

// %%
std::vector<double> factors = {0.5, 1.0, 1.5, 2.0}, dropped;
for (const double factor : factors) {
  auto options = eight(0.0);
  options.capacity = factor;
  zoo::MixtureOfExperts limited(options);
  {
    const torch::NoGradGuard no_grad;
    limited->router->weight.copy_(experts->router->weight);
  }
  zoo::ExpertStatistics statistics;
  limited(seen.x);  // a new module is in training mode
  dropped.push_back(100 * statistics.means().at("expert_dropped"));
}
nb::plot({{.label = "dropped", .x = factors, .y = dropped}},
         {.title = "Tokens without room: half of them at 0.5",
          .x = "capacity, in even shares",
          .y = "per cent of tokens",
          .y_from_zero = true});
nb::print(fmt::format("dropped: {:.1f} %, {:.1f} %, {:.1f} %, {:.1f} %\n", dropped[0], dropped[1],
                      dropped[2], dropped[3]));
nb::claim("with half of the room at least half of the tokens are dropped (per cent)", dropped[0],
          nb::at_least(50));
nb::claim("each more room drops fewer (per cent, 0.5 less 2.0)", dropped[0] - dropped[3],
          nb::at_least(30));

// %%
auto tight = eight(0.0);
tight.capacity = 0.5;
zoo::MixtureOfExperts crowded(tight);
const torch::NoGradGuard no_grad;
const auto change = [&](bool training) {
  crowded->train(training);
  const auto many = torch::cat({seen.x.narrow(0, 0, 40), seen.x.narrow(0, 0, 40)});  // twice
  return (crowded(many).narrow(0, 40, 40) - crowded(many.narrow(0, 40, 40))).abs().max();
};
nb::claim("in evaluation a token's result does not depend on the others: largest change",
          change(false).item<double>(), nb::at_most(1e-5));
nb::refute("with a capacity in training, the same", change(true).item<double>(), nb::at_most(1e-5));

// %% [markdown]
// ## What you have measured
//
// | claim | question |
// |---|---|
// | sorting by expert gives the sum over chosen experts, and idle ones are not read | 42 |
// | eight times as many experts: eight times the weights, the same work | 42 |
// | eight experts beat one network of the same work, and come near one of the same size | 42 |
// | a router finds the kinds by itself | 42 |
// | without a balancing loss some experts stay idle | 42 |
// | a capacity drops tokens, and makes a token's result depend on others | 42 |
//
// [Exercise 28](exercises/28_expert_routing/README.md) lets you write the pieces.
//
// ## Try it
//
// 1. *Many weights, little work*: set `.experts_per_token = 4`. Predict both lines.
// 2. *A task with eight parts*: `kKinds` also sets the number of experts. Give the layer 4 experts for
//    8 kinds. Predict the picture of "Who takes what?".
// 3. *Idle experts*: a weight of 1 instead of 0.01 in `eight(balanced ? 0.01 : 0.0)`. Predict shares
//    and error.
// 4. *Room for so many*: which factor would a perfectly even router need to drop nothing?
//
// **Next**: [beyond softmax attention](20_beyond_softmax.ipynb), on layers for long texts.
