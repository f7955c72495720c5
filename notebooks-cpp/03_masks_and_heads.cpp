// %% [markdown]
// # 3. Masks and heads
//
// A mask says who may look at whom. Heads let a token look at several things at once. Both are
// cheap: a mask removes work, and eight narrow heads cost as much as one wide head.
//
// **Write down three guesses.** A text of 12 tokens, each of which sees itself and the three
// before it, passes through three layers: how far back does the last token look? A layer with one
// head must report the token before *and* the token before that: how often will it have both
// right? And at width 32, which number of heads from 1 to 32 is best, if four look-ups are needed?

// %%
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/attention/attend.h"
#include "models/attention/mask.h"
#include "models/attention/multi_head_attention.h"
#include "models/positions/learned.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(3);

// %% [markdown]
// ## By hand
//
// Four tokens with the values 1, 2, 3, 4, and scores that are all equal. Then a weight is one over
// the number of visible keys, and attention is a plain mean. With a causal mask token $t$ sees
// tokens $0 \dots t$, so the results are the running means 1, 1.5, 2, 2.5. With a window of two
// they are 1, 1.5, 2.5, 3.5. Check the second row on paper.

// %%
const auto zeros = torch::zeros({1, 1, 4, 1});                                 // equal scores
const auto counting = torch::tensor({1.0, 2.0, 3.0, 4.0}).view({1, 1, 4, 1});  // values
const auto running = zoo::attend("torch", zeros, zeros, counting, {.causal = true});
const auto window = zoo::attend("torch", zeros, zeros, counting, {.causal = true, .window = 2});
const auto means =
    torch::stack({torch::tensor({1.0, 1.5, 2.0, 2.5}), torch::tensor({1.0, 1.5, 2.5, 3.5})});
const auto measured = torch::stack({running.flatten(), window.flatten()});
nb::print(fmt::format("causal, token 3: {}; window of 2, token 3: {}\n",
                      running.flatten()[3].item<double>(), window.flatten()[3].item<double>()));
nb::claim("zoo::attend gives the means computed by hand (largest difference)",
          (measured - means).abs().max().item<double>(), nb::at_most(1e-6));

// %% [markdown]
// ## The formula
//
// A mask $M$ of shape $[T, S]$ holds 0 where query $t$ may see key $s$, and $-\infty$ elsewhere:
//
// $$\mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}} + M\right) V$$
//
// | mask | query $t$ sees key $s$ if | who uses it |
// |---|---|---|
// | padding | $s < \mathrm{length}$ | every batch of texts of unequal length |
// | causal | $s \le t$ | GPT; decoders [1] |
// | sliding window | $t - w < s \le t$ | Mistral [2]; Longformer [3] looks to both sides |
// | block-sparse | blocks equal, or $s$ in the first block | blocks [4]; tokens that all see [3] |
// | prefix | $s < p$ or $s \le t$ | prefix language models [5] |
//
// - [1] Vaswani et al. 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), §3.2.3.
// - [2] Jiang et al. 2023, [arXiv:2310.06825](https://arxiv.org/abs/2310.06825), §2.
// - [3] Beltagy et al. 2020, [arXiv:2004.05150](https://arxiv.org/abs/2004.05150), §3.1.
// - [4] Child et al. 2019, [arXiv:1904.10509](https://arxiv.org/abs/1904.10509), §4.
// - [5] Raffel et al. 2019, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683), §3.2.1.
//
// The zoo takes the first three as *structure*, so that a kernel can skip hidden blocks without
// reading a mask. The others are dense tensors of true (may attend) and false. You write each rule
// once more as a loop over pairs, from the table above, and compare.

// %%
struct Mask {
  std::string name;
  zoo::AttendArgs args;
  std::function<bool(int64_t t, int64_t s)> rule;
};
torch::Tensor by_rule(const Mask& mask, int64_t T) {
  auto visible = torch::zeros({T, T}, torch::kBool);  // [T, S]
  for (int64_t t = 0; t < T; ++t)
    for (int64_t s = 0; s < T; ++s) visible[t][s] = mask.rule(t, s);
  return visible;
}

// %%
const int64_t T = 12;
std::vector<Mask> masks = {
    {"padding",
     {.key_lengths = torch::tensor({9}, torch::kLong)},
     [](auto, auto s) { return s < 9; }},
    {"causal", {.causal = true}, [](auto t, auto s) { return s <= t; }},
    {"window of 4",
     {.causal = true, .window = 4},
     [](auto t, auto s) { return t - 4 < s && s <= t; }},
    {"block-sparse", {}, [](auto t, auto s) { return s / 3 == t / 3 || s / 3 == 0; }},
    {"prefix of 5", {}, [](auto t, auto s) { return s < 5 || s <= t; }}};
std::vector<torch::Tensor> drawn;
for (Mask& mask : masks) {
  drawn.push_back(by_rule(mask, T));
  if (mask.name.starts_with("block") || mask.name.starts_with("prefix"))
    mask.args.may_attend = drawn.back();
}
nb::show(torch::stack(drawn),
         {.title = "Padding, causal, window, block-sparse, prefix: bright keys are visible",
          .rows = "Query",
          .columns = "Key"});

// %% [markdown]
// Look at the shapes: padding cuts columns off, causal is a triangle, the window a band,
// block-sparse a diagonal of squares with a stripe, and prefix a triangle with a rectangle. The
// number to see is the bright area: it is the work that a kernel cannot avoid.
//
// Question 8. The three masks of the zoo must agree with their rules, and for all five a kernel that
// skips hidden blocks (`flash`) must return what the dense formula returns.

// %%
const auto q = torch::randn({1, 2, T, 16}), k = torch::randn({1, 2, T, 16});
const auto v = torch::randn({1, 2, T, 16});
double wrong_pairs = 0, apart = 0;
std::vector<std::vector<std::string>> areas;
for (size_t n = 0; n < masks.size(); ++n) {
  if (n < 3) {  // the other two are given to the zoo as drawn
    const auto zoo_mask = zoo::dense_mask(masks[n].args, T, T, torch::kCPU).expand({1, 1, T, T});
    wrong_pairs += zoo_mask[0][0].ne(drawn[n]).sum().item<double>();
  }
  const auto scores = q.matmul(k.transpose(-2, -1)) / 4.0;  // [1, 2, T, T]
  const auto dense = torch::softmax(scores.masked_fill(~drawn[n], -INFINITY), -1).matmul(v);
  const auto fast = zoo::attend("flash", q, k, v, masks[n].args);
  apart = std::max(apart, (dense - fast).abs().max().item<double>());
  areas.push_back({masks[n].name, fmt::format("{}", drawn[n].sum().item<int64_t>())});
}
nb::table({"mask", "visible pairs of 144"}, areas);
nb::claim("pairs on which the zoo's three structured masks and their rules disagree", wrong_pairs,
          nb::near(0, 0));
nb::claim("kernel 'flash' against the dense formula, five masks (largest difference)", apart,
          nb::at_most(1e-5));
nb::claim("a causal mask leaves T (T + 1) / 2 pairs", drawn[1].sum().item<double>(),
          nb::near(78, 0));

// %% [markdown]
// A window makes long texts affordable: the work is $T w$ instead of $T^2$. It does not make the
// model blind to what lies further back, because layers compound: a token sees three back, and
// each of those saw three back in the layer before. Measure the reach by the gradient: which
// inputs can change the last token at all? Nine back after three layers: your first guess.

// %%
std::vector<double> depths, reaches;
for (int64_t layers = 1; layers <= 4; ++layers) {
  const auto input = torch::randn({1, 1, 16, 8}).requires_grad_();
  torch::Tensor h = input;
  for (int64_t n = 0; n < layers; ++n)
    h = zoo::attend("torch", h, h, h, {.causal = true, .window = 4});
  h.select(2, 15).sum().backward();
  const auto touched = input.grad().abs().sum(-1).flatten().gt(0);  // [16]
  depths.push_back(static_cast<double>(layers));
  reaches.push_back(touched.sum().item<double>() - 1);
}
nb::plot({{.label = "window of 4", .x = depths, .y = reaches}},
         {.title = "How far back the last token sees: three more with each layer",
          .x = "layers",
          .y = "tokens",
          .y_from_zero = true});
nb::claim("with three layers and a window of 4 the last token sees back", reaches[2],
          nb::near(9, 0));

// %% [markdown]
// ### Where masks break
//
// A decoder that keeps its keys asks with one new query against all keys so far: $T = 1$, $S = 4$.
// "Causal" must then mean that the query is the *last* token. The zoo aligns to the last key.
// torch's own `is_causal` aligns to the first one, so that the query sees a single key. Nothing
// crashes; the model just forgets. The negative control counts the keys that receive a gradient.

// %%
const auto one = torch::randn({1, 1, 1, 8}), four = torch::randn({1, 1, 4, 8});
const auto zoo_v = torch::randn({1, 1, 4, 8}).requires_grad_();
const auto torch_v = zoo_v.detach().clone().requires_grad_();
zoo::attend("matmul", one, four, zoo_v, {.causal = true}).sum().backward();
torch::scaled_dot_product_attention(one, four, torch_v, {}, 0.0, /*is_causal=*/true)
    .sum()
    .backward();
nb::claim("keys that a new token sees in the zoo", zoo_v.grad().sum(-1).gt(0).sum().item<double>(),
          nb::near(4, 0));
nb::refute("keys that it sees with torch's is_causal",
           torch_v.grad().sum(-1).gt(0).sum().item<double>(), nb::near(4, 0));

// %% [markdown]
// ## Why several heads?
//
// A head computes *one* weighted mean. If a token needs two things from two positions, one head
// can only mix them: $\frac12 v_a + \frac12 v_b$ does not say which of the two came first. With
// two heads there are two means, side by side:
//
// $$\mathrm{MultiHead}(x) = [\,\mathrm{head}_1; \dots; \mathrm{head}_H\,]\, W_O, \qquad
// \mathrm{head}_h = \mathrm{Attention}(x W_Q^h, x W_K^h, x W_V^h)$$
//
// (Vaswani et al. 2017, §3.2.2.) Each head is $d_k = C / H$ wide, so the parameters do not change.
//
// The task: at each position, name the token before (first answer) and the one before that (second
// answer), or more of them. The model is one attention layer between an embedding and a linear
// layer. Nothing else can move information.

// %%
struct Recall : torch::nn::Module {
  Recall(int64_t heads, int64_t lookups, int64_t width)
      : K(lookups),
        embedding(register_module("embedding", torch::nn::Embedding(10, width))),
        position(register_module("position", std::make_shared<zoo::LearnedPosition>(12, width))),
        attention(
            register_module("attention", zoo::MultiHeadAttention(zoo::MultiHeadAttentionOptions{
                                             .d_model = width, .heads = heads}))),
        answer(register_module("answer", torch::nn::Linear(width, K * 10))) {}
  /// tokens [B, T] -> logits [B, T, K, 10]
  torch::Tensor forward(const torch::Tensor& tokens, torch::Tensor* weights = nullptr) {
    const auto positions = torch::arange(tokens.size(1), torch::kLong).unsqueeze(0);
    const auto x = position->embed(embedding(tokens), positions);  // [B, T, C]
    const auto y =
        attention(x, zoo::SelfAttentionContext{.args = {.causal = true, .weights = weights}});
    return answer(y).unflatten(-1, {K, 10});  // [B, T, K, 10]
  }
  int64_t K;
  torch::nn::Embedding embedding;
  std::shared_ptr<zoo::LearnedPosition> position;
  zoo::MultiHeadAttention attention;
  torch::nn::Linear answer;
};

// %%
/// tokens [B, T] -> [B, T, K]: the K tokens before each one; ignored where there are fewer.
torch::Tensor tokens_before(const torch::Tensor& tokens, int64_t K) {
  std::vector<torch::Tensor> answers;
  for (int64_t n = 1; n <= K; ++n) {
    const auto shifted = tokens.roll(n, 1);
    shifted.narrow(1, 0, K).fill_(zoo::kIgnored);
    answers.push_back(shifted);
  }
  return torch::stack(answers, -1);
}
struct Result {
  double loss = 0, all_right = 0;  // per answer; share of positions with every answer right
};
Result measure(Recall& model) {
  const torch::NoGradGuard no_grad;
  const auto tokens = torch::randint(10, {512, 12}, torch::kLong);
  const auto targets = tokens_before(tokens, model.K);
  const auto logits = model.forward(tokens);
  const auto loss = zoo::token_loss(logits, targets);
  const auto right = logits.argmax(-1).eq(targets).all(-1).narrow(1, model.K, 12 - model.K);
  return {loss.sum.item<double>() / loss.tokens, right.to(torch::kFloat).mean().item<double>()};
}

// %%
std::shared_ptr<Recall> trained(int64_t heads, int64_t lookups, int64_t width, int64_t steps) {
  auto model = std::make_shared<Recall>(heads, lookups, width);
  zoo::AdamW optimizer(*model, {.beta2 = 0.98, .weight_decay = 0.0});
  for (int64_t step = 0; step < steps; ++step) {
    const auto tokens = torch::randint(10, {64, 12}, torch::kLong);
    const auto loss = zoo::token_loss(model->forward(tokens), tokens_before(tokens, lookups));
    optimizer.zero_gradients();
    loss.sum.backward();
    optimizer.step(/*learning_rate=*/5e-3, /*divisor=*/loss.tokens);
    nb::progress(fmt::format("{} heads", heads), step + 1, steps);
  }
  return model;
}

// %% [markdown]
// Question 9. Two look-ups at once: one head fails, two heads of half the width succeed. The first
// row of the table answers your second guess.

// %%
auto single = trained(/*heads=*/1, /*lookups=*/2, /*width=*/32, /*steps=*/500);
auto pair = trained(/*heads=*/2, /*lookups=*/2, /*width=*/32, /*steps=*/500);
const auto with_one = measure(*single), with_two = measure(*pair);
nb::table({"heads", "loss", "both answers right"},
          {{"1", fmt::format("{:.3f}", with_one.loss), fmt::format("{:.3f}", with_one.all_right)},
           {"2", fmt::format("{:.3f}", with_two.loss), fmt::format("{:.3f}", with_two.all_right)}});
nb::claim("both answers right with two heads", with_two.all_right, nb::at_least(0.95));
nb::refute("both answers right with one head", with_one.all_right, nb::at_least(0.7));

// %% [markdown]
// With one head, one position in five has both right (seed 3). The picture shows where the two
// heads look. Look for two diagonals: one head has learned "one back", the other "two back". Which
// is which depends on the seed.

// %%
torch::Tensor maps;  // [B, H, T, T]
{
  const torch::NoGradGuard no_grad;
  pair->forward(torch::randint(10, {64, 12}, torch::kLong), &maps);
}
nb::show(maps[0], {.title = "The two heads: a diagonal one below the main one, and one two below",
                   .rows = "Query",
                   .columns = "Key",
                   .low = 0,
                   .high = 1});
std::vector<double> back;
for (int64_t n = 1; n <= 2; ++n)  // weight on the key n before, from token 2 on: the better head
  back.push_back(maps.narrow(2, 2, 10).diagonal(2 - n, 2, 3).mean({0, 2}).max().item<double>());
nb::print(fmt::format("mean weight one back {:.2f}, two back {:.2f}\n", back[0], back[1]));
nb::claim("the smaller of the two diagonals' mean weights", std::min(back[0], back[1]),
          nb::at_least(0.8));

// %% [markdown]
// ## How are heads computed in parallel?
//
// Nobody loops over heads. For $C = 128$ and $H = 8$ one product gives all queries, $[B, T, 128]$.
// Its last dimension *is* eight groups of 16: reading it as $[B, T, 8, 16]$ and swapping two
// dimensions gives $[B, 8, T, 16]$, a batch of eight small problems. Nothing is copied. Only
// strides change: the distance in memory from one entry to the next along each dimension.

// %%
std::string dims(const std::vector<int64_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}
const auto x = torch::randn({2, 5, 128});     // [B, T, C]
const auto split = x.unflatten(-1, {8, 16});  // [B, T, H, Dh]
const auto heads = split.transpose(1, 2);     // [B, H, T, Dh]
const auto copied = heads.contiguous();       // [B, H, T, Dh]
std::vector<std::vector<std::string>> layouts;
const std::vector<std::pair<std::string, torch::Tensor>> stages = {
    {"x", x}, {"unflatten", split}, {"transpose", heads}, {"contiguous", copied}};
for (const auto& [name, t] : stages)
  layouts.push_back({name, dims(t.sizes().vec()), dims(t.strides().vec()),
                     t.is_alias_of(x) ? "shared with x" : "its own"});
nb::table({"step", "shape", "strides", "memory"}, layouts);
nb::claim("the eight heads share the memory of x", heads.is_alias_of(x));

// %% [markdown]
// `contiguous` is the only step that copies, and the zoo's kernels do not need it. The shortcut
// `view({B, H, T, Dh})` has the right shape and the wrong numbers: it cuts memory in order, so
// "head 0" gets all dimensions of the first tokens. To see it, fill a tensor with
// $100\,t + 10\,h + d$ and read off which head each number belongs to.
//
// Question 10. One batched product equals the loop over heads; the shortcut does not.

// %%
const auto filler = torch::arange(4).view({4, 1, 1}) * 100 + torch::arange(2).view({1, 2, 1}) * 10 +
                    torch::arange(2).view({1, 1, 2});    // [T, H, Dh]
const auto right = filler.transpose(0, 1);               // [H, T, Dh]
const auto shortcut = filler.flatten().view({2, 4, 2});  // [H, T, Dh], wrongly
const auto belongs = [](const torch::Tensor& t) {
  return t.floor_divide(10).remainder(10).eq(torch::arange(2).view({2, 1, 1}));
};
nb::claim("entries in the right head after unflatten and transpose",
          belongs(right).to(torch::kFloat).mean().item<double>(), nb::near(1, 0));
nb::refute("entries in the right head after the shortcut",
           belongs(shortcut).to(torch::kFloat).mean().item<double>(), nb::near(1, 0));
std::vector<torch::Tensor> one_by_one;
for (int64_t h = 0; h < 8; ++h) {
  const auto part = x.narrow(-1, 16 * h, 16);  // [B, T, Dh]
  one_by_one.push_back(torch::softmax(part.matmul(part.transpose(1, 2)) / 4.0, -1).matmul(part));
}
const auto batched = zoo::attend("matmul", heads, heads, heads).transpose(1, 2).flatten(2);
nb::claim("eight heads at once against a loop over heads (largest difference)",
          (batched - torch::cat(one_by_one, -1)).abs().max().item<double>(), nb::at_most(1e-5));

// %% [markdown]
// ## Too few, too many
//
// More heads at a fixed width are narrower heads. A head of width $d_k$ compares $d_k$ numbers:
// its score matrix has rank $d_k$ at most. With a single number a query can only prefer one end of
// a line of keys and cannot pick out one of twelve in the middle, so many such heads must share
// one look-up. Between lies a range in which it hardly matters. Measure it on four look-ups at
// width 32.
//
// Question 11. The loss is lowest in the middle: your third guess holds if it was from 4 to 16.

// %%
std::vector<double> counts, losses;
std::vector<std::vector<std::string>> sweep;
for (int64_t H = 1; H <= 32; H *= 2) {
  auto model = trained(H, /*lookups=*/4, /*width=*/32, /*steps=*/300);
  counts.push_back(static_cast<double>(H));
  losses.push_back(measure(*model).loss);
  sweep.push_back(
      {fmt::format("{}", H), fmt::format("{}", 32 / H), fmt::format("{:.4f}", losses.back())});
}
nb::table({"heads", "width of a head", "loss"}, sweep);
nb::plot({{.label = "width 32 in all", .x = counts, .y = losses}},
         {.title = "Loss of four look-ups: lowest in the middle",
          .x = "heads",
          .y = "loss in nats",
          .log_x = true,
          .log_y = true});
const auto best = std::min_element(losses.begin(), losses.end());
nb::claim("the best number of heads", counts[static_cast<size_t>(best - losses.begin())],
          nb::between(4, 16));
nb::claim("loss with the best number", *best, nb::at_most(0.01));
nb::claim("the largest loss of 4, 8 and 16 heads", *std::max_element(&losses[2], &losses[5]),
          nb::at_most(0.05));
nb::claim("loss with one head", losses.front(), nb::at_least(0.5));
nb::claim("loss with 32 heads", losses.back(), nb::at_least(0.02));

// %% [markdown]
// ## What you have measured
//
// All numbers are of seed 3. The bounds of the claims leave room for what four other seeds gave.
//
// | claim | question |
// |---|---|
// | the zoo's masks equal their rules; kernels may skip; windows reach $L (w - 1)$ back | 8 |
// | one head cannot do two look-ups; two of half the width can | 9 |
// | heads are a batch dimension: strides change, nothing is copied | 10 |
// | too few heads lack look-ups, too many lack width | 11 |
//
// ## Try it
//
// 1. *The formula*: write the rule of a "dilated" window, which sees every second key of the last
//    eight. Predict how many pairs are visible before you count them.
// 2. *A window makes long texts affordable*: give the layers windows 2, 4 and 6. How far does the
//    last token see? Does the order of the layers matter?
// 3. *Why several heads*: let one head be twice as wide (`.head_width = 64`). Predict whether both
//    answers come out right now. What does your result say about the reason of the failure?
// 4. *Too few, too many*: set `lookups` to 2. Which number of heads do you expect to win, and does
//    the claim about the best number still hold?
// 5. *In parallel*: replace `flatten(2)` by `reshape` of $[B, H, T, D_h]$ to $[B, T, C]$ without
//    the transpose. Which claim fails, and by how much?
//
// **Next**: [4. Positions](04_positions.ipynb): attention does not know the order of its keys;
// here learned vectors told it. What else can?
