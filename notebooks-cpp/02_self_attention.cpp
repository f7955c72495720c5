// %% [markdown]
// # 2. Self-attention
//
// A dictionary answers a query with the value whose key matches. Attention is the soft form of the
// same idea: every key matches a little, and the answer is a weighted mean of all values. The
// weights come from the data, so a model can learn where to look.
//
// **Before you read on, write down two guesses.** Take a query and a key of 64 random numbers
// each, with mean 0 and variance 1. How large is their dot product, typically? And what does a
// token receive if it may look at no key at all?
//
// You need matrix products and the softmax. At the end you can say what queries, keys and values
// are, why scores are divided by $\sqrt{d_k}$, what a mask does to weights and gradients, and how
// cross-attention differs from self-attention.

// %%
#include <fmt/format.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/attention/attend.h"
#include "models/attention/multi_head_attention.h"
#include "models/transformer/transformer.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(2);

// %% [markdown]
// ## By hand
//
// Four tokens, each with a key and a value of two numbers, and one query. The score of a key is
// its dot product with the query, divided by $\sqrt 2$ (the root of the width; the reason
// follows). The softmax turns scores into weights: exponentials, divided by their sum. Compute the
// first weight on paper before you run the cell: the scores are 2, 0, 2 and -2, divided by
// $\sqrt 2$.

// %%
std::vector<double> weights_by_hand(const std::vector<double>& scores) {
  std::vector<double> weights;
  double sum = 0;
  for (const double score : scores) sum += std::exp(score);
  for (const double score : scores) weights.push_back(std::exp(score) / sum);
  return weights;
}

const std::vector<std::string> words = {"the", "cat", "sat", "down"};
const double keys[4][2] = {{1, 0}, {0, 1}, {1, 1}, {-1, 0}};
const double values[4][2] = {{10, 0}, {0, 10}, {6, 6}, {-10, 0}};
const double query[2] = {2, 0};

// %%
std::vector<double> scores;
for (const auto& key : keys)
  scores.push_back((query[0] * key[0] + query[1] * key[1]) / std::sqrt(2.0));
const auto weights = weights_by_hand(scores);
double answer[2] = {0, 0};
std::vector<std::vector<std::string>> rows;
for (size_t s = 0; s < 4; ++s) {
  for (size_t i = 0; i < 2; ++i) answer[i] += weights[s] * values[s][i];
  rows.push_back({words[s], fmt::format("{:.3f}", scores[s]), fmt::format("{:.3f}", weights[s]),
                  fmt::format("({}, {})", values[s][0], values[s][1])});
}
nb::table({"token", "score", "weight", "value"}, rows);
nb::print(fmt::format("answer: ({:.3f}, {:.3f})\n", answer[0], answer[1]));

// %% [markdown]
// The query $(2, 0)$ prefers keys that point to the right. Two of them fit equally well, so the
// answer lies between their values. A dictionary would have to choose one.
//
// ## The formula
//
// Vaswani et al. 2017 ([arXiv:1706.03762](https://arxiv.org/abs/1706.03762)), §3.2.1, Eq. 1:
//
// $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
//
// | symbol | holds | shape |
// |---|---|---|
// | $Q$ | one query for each token that asks | $[B, H, T, d_k]$ |
// | $K$ | one key for each token that can be looked at | $[B, H, S, d_k]$ |
// | $V$ | one value for each of those tokens | $[B, H, S, d_k]$ |
// | $Q K^\top$ | a score for each query and key | $[B, H, T, S]$ |
// | result | a mean of values for each query | $[B, H, T, d_k]$ |
//
// $B$ counts sequences, $H$ heads (one in this lesson; the next has more). The softmax runs over
// the keys, along a row. In the zoo the formula is one function, `zoo::attend`.

// %%
const auto Q = torch::tensor({2.0, 0.0}).view({1, 1, 1, 2});
const auto K = torch::tensor({1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0, 0.0}).view({1, 1, 4, 2});
const auto V = torch::tensor({10.0, 0.0, 0.0, 10.0, 6.0, 6.0, -10.0, 0.0}).view({1, 1, 4, 2});
torch::Tensor zoo_weights;
const auto zoo_answer = zoo::attend("matmul", Q, K, V, {.weights = &zoo_weights});  // [1, 1, 1, 2]
double apart = 0;
for (int64_t i = 0; i < 2; ++i)
  apart = std::max(apart, std::abs(zoo_answer.flatten()[i].item<double>() - answer[i]));
nb::claim("zoo::attend gives the numbers computed by hand (largest difference)", apart,
          nb::at_most(1e-5));

// %% [markdown]
// ## What are Q, K and V?
//
// In *self*-attention all three come from the same tokens. Let $x$ be the token vectors,
// $[B, T, C]$. Three learned matrices give each token three roles:
//
// - $q = x W_Q$: what this token is looking for,
// - $k = x W_K$: what it can be found by,
// - $v = x W_V$: what it hands over when it is found.
//
// One vector could not play all three. With $q = k$ the score of "the" for "cat" would equal that
// of "cat" for "the": a word could not look at another without being as attractive to it. The zoo's
// module stacks the three matrices into one, `in_proj`, rows for queries first, then keys, then
// values. You now cut it apart and apply Eq. 1 yourself.
//
// Question 4. The module must return what the soft look-up returns.

// %%
zoo::MultiHeadAttention module(zoo::MultiHeadAttentionOptions{
    .d_model = 8, .heads = 1, .bias = false, .out_bias = false});
const auto x = torch::randn({1, 4, 8});                     // [B, T, C]
const auto matrices = module->in_proj->weight.chunk(3, 0);  // three of [C, C]
const auto q = torch::linear(x, matrices[0]);               // [B, T, C]
const auto k = torch::linear(x, matrices[1]);               // [B, T, C]
const auto v = torch::linear(x, matrices[2]);               // [B, T, C]
const auto looked = torch::softmax(q.matmul(k.transpose(1, 2)) / std::sqrt(8.0), -1);  // [B, T, T]
const auto found = torch::linear(looked.matmul(v), module->out_proj->weight);          // [B, T, C]
nb::claim("MultiHeadAttention is Eq. 1 on three projections of x (largest difference)",
          (module(x) - found).abs().max().item<double>(), nb::at_most(1e-5));

// %% [markdown]
// How soft is the look-up? Make the query longer and the best direction wins by more: the weights
// approach a dictionary, which takes one value and ignores the rest. In the picture, look at the
// right end: "the" and "sat" lie on each other at one half, because both fit the query equally
// well.

// %%
const std::vector<double> lengths = {0, 0.5, 1, 1.5, 2, 3, 4, 6, 8};
std::vector<nb::Line> lines;
for (const auto& word : words) lines.push_back({.label = word, .x = lengths, .y = {}});
for (const double length : lengths) {
  std::vector<double> longer;
  for (const double score : scores) longer.push_back(score * length);
  const auto sharp = weights_by_hand(longer);
  for (size_t s = 0; s < 4; ++s) lines[s].y.push_back(sharp[s]);
}
nb::plot(lines, {.title = "The weights of the four keys as the query grows: two survive",
                 .x = "length of the query, in units of the one above",
                 .y = "weight",
                 .y_from_zero = true});
nb::print(fmt::format("weights at the right end: {:.3f} {:.3f} {:.3f} {:.3f}\n", lines[0].y.back(),
                      lines[1].y.back(), lines[2].y.back(), lines[3].y.back()));

// %% [markdown]
// ## Why divide by $\sqrt{d_k}$?
//
// A dot product of two random vectors is a sum of $d_k$ products, each with mean 0 and variance 1.
// Variances add up, so $\mathrm{Var}[q \cdot k] = d_k$: at width 64 a typical score is $\pm 8$,
// and $e^{8}$ is 3000 times $e^{0}$. That was your first guess. The footnote in §3.2.1 of the
// paper says the same. Now measure it, 20,000 pairs for each width.

// %%
std::vector<double> widths, plain, scaled;
for (int64_t d = 4; d <= 1024; d *= 4) {
  double sum = 0;
  for (int part = 0; part < 10; ++part) {
    const auto a = torch::randn({2000, d}), b = torch::randn({2000, d});
    sum += (a * b).sum(-1).var().item<double>() / 10;
  }
  widths.push_back(static_cast<double>(d));
  plain.push_back(sum);
  scaled.push_back(sum / static_cast<double>(d));
}
nb::plot({{.label = "q k", .x = widths, .y = plain},
          {.label = "q k / sqrt(d)", .x = widths, .y = scaled}},
         {.title = "The variance of a score: a line through (d, d), flat after scaling",
          .x = "width d of query and key",
          .y = "variance",
          .log_x = true,
          .log_y = true});

// %% [markdown]
// Question 5. The variance is $d_k$, at every width; after the division it is 1.

// %%
nb::claim("Var[q k] / d_k at d_k = 64 (20,000 pairs)", plain[2] / widths[2], nb::near(1.0, 0.05));
const double slope =
    std::log(plain.back() / plain.front()) / std::log(widths.back() / widths.front());
nb::claim("Var[q k] grows as d_k to the power of", slope, nb::near(1.0, 0.02));

// %% [markdown]
// Why does that matter? Large scores push the softmax to a corner, where one weight is near 1 and
// the rest are near 0. There its derivative vanishes: every entry of
// $\partial w_s / \partial x_r = w_s ([s = r] - w_r)$ is a product with a small factor. A token that
// looks at the wrong key from the start then gets no gradient that would tell it to look elsewhere.
//
// The next cells measure both: the entropy of the weights over 64 keys (at most $\ln 64 = 4.16$
// nats), and the length of the gradient at the scores for a random gradient at the weights. At
// widths 4 and 16 the sharper softmax still passes more gradient than the flat one, and at 64 about
// as much; beyond, it closes.

// %%
struct Softness {
  double entropy = 0, gradient = 0;
};
Softness softness(int64_t d, double scale) {
  const auto a = torch::randn({400, d}), b = torch::randn({64, d});
  const auto x = (a.matmul(b.t()) * scale).requires_grad_();  // [400, 64]
  const auto w = torch::softmax(x, -1);
  (w * torch::randn({400, 64})).sum().backward();
  const auto entropy = -(w * w.clamp_min(1e-30).log()).sum(-1).mean();
  return {entropy.item<double>(), x.grad().norm(2, -1).mean().item<double>()};
}

// %%
std::vector<Softness> with, without;
std::vector<std::vector<std::string>> softness_rows;
for (const double d : widths) {
  with.push_back(softness(static_cast<int64_t>(d), 1 / std::sqrt(d)));
  without.push_back(softness(static_cast<int64_t>(d), 1));
  softness_rows.push_back({fmt::format("{}", d), fmt::format("{:.2f}", with.back().entropy),
                           fmt::format("{:.2f}", without.back().entropy),
                           fmt::format("{:.3f}", with.back().gradient),
                           fmt::format("{:.3f}", without.back().gradient)});
}
nb::table({"d_k", "entropy, scaled", "entropy, not", "gradient, scaled", "gradient, not"},
          softness_rows);
nb::claim("with the scale, the entropy at width 1024 over that at width 4",
          with.back().entropy / with.front().entropy, nb::near(1.0, 0.1));
nb::refute("without it, the same ratio", without.back().entropy / without.front().entropy,
           nb::near(1.0, 0.1));
nb::claim("with the scale, the gradient at width 1024 over that at width 16",
          with.back().gradient / with[1].gradient, nb::near(1.0, 0.15));
nb::claim("without it, the same ratio", without.back().gradient / without[1].gradient,
          nb::at_most(0.4));

// %% [markdown]
// The division is not a matter of taste: it makes the start of training independent of the width.
// The picture shows the same eight tokens at width 256, with the scale on the left and without it
// on the right. Look for rows on the right that have a single bright cell: their queries have
// already decided, before any training.

// %%
const auto tokens_q = torch::randn({1, 1, 8, 256}), tokens_k = torch::randn({1, 1, 8, 256});
torch::Tensor soft, hard;
zoo::attend("matmul", tokens_q, tokens_k, tokens_k, {.weights = &soft});
zoo::attend("matmul", tokens_q, tokens_k, tokens_k, {.scale = 1.0, .weights = &hard});
nb::show(torch::stack({soft[0][0], hard[0][0]}),
         {.title = "Left: scaled. Right: not scaled, one bright cell a row",
          .rows = "Query",
          .columns = "Key",
          .low = 0,
          .high = 1});
const double brightest = hard.amax(-1).mean().item<double>();
nb::print(fmt::format("mean of the largest weight of a row: scaled {:.2f}, not scaled {:.2f}\n",
                      soft.amax(-1).mean().item<double>(), brightest));
nb::claim("without the scale a query gives nearly all weight to one key", brightest,
          nb::at_least(0.75));

// %% [markdown]
// ## Why a softmax, and what does a mask do?
//
// Any function that makes weights positive and lets them sum to one would give a mean of the
// values. The softmax does so with a smooth function whose ratios depend on differences of scores
// alone: add 100 to every score of a row, and nothing changes. Implementations use that to
// subtract the largest score first, so that no exponential overflows.
//
// A mask sets the score of a hidden key to $-\infty$ *before* the softmax. Then $e^{-\infty} = 0$:
// the weight is zero, not small, and the other weights still sum to one. Zero is exact, and so is
// the gradient: what a token cannot see cannot be changed by it.
//
// Question 6. Hide key 2 of five from all queries, and look at the weights and at the gradients.

// %%
const auto mq = torch::randn({1, 1, 5, 16}).requires_grad_();
const auto mk = torch::randn({1, 1, 5, 16}).requires_grad_();
const auto mv = torch::randn({1, 1, 5, 16}).requires_grad_();
const auto visible = torch::tensor({1, 1, 0, 1, 1}).to(torch::kBool).view({1, 1, 1, 5});
torch::Tensor masked;  // [1, 1, 5, 5]
const auto out = zoo::attend("matmul", mq, mk, mv, {.may_attend = visible, .weights = &masked});
out.backward(torch::randn_like(out));
nb::show(masked[0][0], {.title = "Key 2 is hidden: its column is exactly 0",
                        .rows = "Query",
                        .columns = "Key",
                        .low = 0,
                        .high = 1});
const auto sums = masked.sum(-1);
nb::claim("each row of weights sums to 1 (largest error)", (sums - 1).abs().max().item<double>(),
          nb::at_most(1e-6));
const double leaked = masked.select(-1, 2).abs().max().item<double>() +
                      mk.grad().select(2, 2).abs().max().item<double>() +
                      mv.grad().select(2, 2).abs().max().item<double>();
nb::claim("the hidden key: its weights, and the gradients at its key and value, are", leaked,
          nb::near(0, 0));

// %% [markdown]
// ## Where it breaks
//
// Two mistakes are common. The first multiplies the weights by the mask *after* the softmax. The
// hidden weights are zero then, too, but their share is lost: rows no longer sum to one, and the
// output shrinks. The second is the row without any visible key, as in a padded row of a batch: a
// softmax over nothing but $-\infty$ is $0 / 0$. This was your second guess. The zoo defines the
// answer: a query without visible keys gets zeros, and zero gradients.

// %%
const auto raw = mq.matmul(mk.transpose(-2, -1)) / 4.0;
const auto late = torch::softmax(raw, -1) * visible;
nb::refute("masked after the softmax: the smallest sum of a row",
           late.sum(-1).amin().item<double>(), nb::near(1.0, 0.01));
const auto nothing = torch::zeros({1, 1, 1, 5}, torch::kBool);
const auto naive = torch::softmax(raw.masked_fill(~nothing, -INFINITY), -1);
nb::refute("a plain softmax with every key hidden: entries that are NaN",
           naive.isnan().sum().item<double>(), nb::near(0, 0));
const auto blind = zoo::attend("matmul", mq, mk, mv, {.may_attend = nothing});
nb::claim("zoo::attend with every key hidden: largest entry", blind.abs().max().item<double>(),
          nb::near(0, 0));
double largest_gradient = 0;
for (const auto& gradient : torch::autograd::grad({blind.sum()}, {mq, mk, mv}))
  largest_gradient = std::max(largest_gradient, gradient.abs().max().item<double>());
nb::claim("its gradients at queries, keys and values: largest entry", largest_gradient,
          nb::near(0, 0));

// %% [markdown]
// ## Self- and cross-attention
//
// Nothing in Eq. 1 says that queries and keys come from the same sequence. In *cross*-attention
// the queries come from the tokens that a decoder has written, the keys and values from the
// encoder's output. An encoder-decoder contains all three kinds:
//
// | | queries from | keys, values from | mask | weights |
// |---|---|---|---|---|
// | encoder | source | source | none (padding) | $[S, S]$ |
// | decoder | target | target | causal | $[T, T]$ |
// | cross | target | source | none (padding) | $[T, S]$ |
//
// To see them at work, train the zoo's smallest encoder-decoder to reverse six digits and then
// write an end mark: $S = 6$, $T = 7$. One layer, one head, width 32.

// %%
struct Reversal {
  torch::Tensor source, input, output;  // [B, 6], [B, 7], [B, 7]
};
Reversal reversal(int64_t batch) {
  const auto digits = torch::randint(10, {batch, 6}, torch::kLong);
  const auto start = torch::full({batch, 1}, 10, torch::kLong);
  const auto end = torch::full({batch, 1}, 11, torch::kLong);
  const auto reversed = digits.flip(1);
  return {digits, torch::cat({start, reversed}, 1), torch::cat({reversed, end}, 1)};
}

// %%
auto options = zoo::TransformerOptions::tiny();
options.vocab_size = 12;
options.norm_place = zoo::NormPlace::kPre;
zoo::Transformer model(options);
zoo::AdamW optimizer(*model, {.beta2 = 0.98, .weight_decay = 0.0});
const auto six = torch::full({128}, 6, torch::kLong);
for (int64_t step = 0; step < 400; ++step) {
  const auto batch = reversal(128);
  const auto loss = zoo::token_loss(model(batch.source, six, batch.input), batch.output);
  optimizer.zero_gradients();
  loss.sum.backward();
  optimizer.step(/*learning_rate=*/5e-3, /*divisor=*/loss.tokens);
  nb::progress("training", step + 1, 400);
}

// %%
torch::NoGradGuard no_grad;
model->eval();
const auto unseen = reversal(128);
zoo::Trace encoder_trace, trace;
encoder_trace.attentions = trace.attentions = true;
const auto states = model->encode(unseen.source, {}, &encoder_trace);  // [B, S, C]
const auto hidden =
    model->decode(unseen.input, model->cross_keys_values(states), {.trace = &trace});
const auto cross = trace.tensors.at("cross_attentions.0");  // [B, 1, T, S]
std::vector<std::vector<std::string>> shapes;
for (const auto& [name, tensor] : encoder_trace.tensors)
  shapes.push_back({name, fmt::format("{} x {}", tensor.size(2), tensor.size(3))});
for (const auto& [name, tensor] : trace.tensors)
  shapes.push_back({name, fmt::format("{} x {}", tensor.size(2), tensor.size(3))});
nb::table({"weights", "queries x keys"}, shapes);
const auto right = model->logits_of(hidden).argmax(-1).eq(unseen.output);
nb::claim("digits written right, of unseen sequences",
          right.to(torch::kFloat).mean().item<double>(), nb::at_least(0.97));

// %% [markdown]
// Question 7. Nobody told the model where to look. To reverse, the decoder's query $t$ must find
// source digit $5 - t$: look for the diagonal from the top right to the bottom left.

// %%
std::vector<std::string> source_labels, target_labels;
for (int64_t i = 0; i < 6; ++i)
  source_labels.push_back(fmt::format("{}", unseen.source[0][i].item<int64_t>()));
for (int64_t t = 0; t < 7; ++t)
  target_labels.push_back(t < 6 ? fmt::format("{}", unseen.output[0][t].item<int64_t>()) : "end");
nb::show(cross[0][0], {.title = "Cross-attention of one sequence: look for the rising diagonal",
                       .rows = "Query: writes",
                       .columns = "Key: source digit",
                       .row_labels = target_labels,
                       .column_labels = source_labels,
                       .low = 0,
                       .high = 1});
const auto looks_at = cross.squeeze(1).narrow(1, 0, 6).argmax(-1);  // [B, 6]
const auto wanted = torch::arange(5, -1, -1, torch::kLong);
nb::claim("queries whose largest weight is on the digit that they write",
          looks_at.eq(wanted).to(torch::kFloat).mean().item<double>(), nb::at_least(0.9));

// %% [markdown]
// ## What you have measured
//
// All numbers are of seed 2. The bounds of the claims leave room for what four other seeds gave.
//
// | claim | question |
// |---|---|
// | Q, K and V are three projections of the tokens; attention is a soft look-up with them | 4 |
// | $\mathrm{Var}[q \cdot k] = d_k$; without the scale, entropy falls with the width | 5 |
// | rows sum to one; a hidden key has weight 0 and gradient 0; nothing visible gives zeros | 6 |
// | cross-attention takes queries from the target, keys and values from the source | 7 |
//
// ## Try it
//
// 1. *By hand*: change the query to $(0, 2)$, in `query` and in `Q`. Which two words share the
//    largest weight? Predict the answer's two numbers to within one before you run the cells.
// 2. *Why divide*: draw the keys with twice the standard deviation (`b = 2 * torch::randn(...)`).
//    Predict by which factor the variance grows. Which claim fails, and what scale would repair
//    it?
// 3. *Where it breaks*: compute `late = torch::softmax(raw.masked_fill(~visible, 0.0), -1)`. Then
//    take the gradients of `late.matmul(mv).sum()`. Is that of the hidden key still zero? And that
//    of its value?
// 4. *Self- and cross-attention*: let the task copy instead of reverse (leave out `flip(1)`).
//    Which way does the diagonal point now, and which claim fails?
// 5. *Self- and cross-attention*: train for 50 steps instead of 400. Predict what the map looks
//    like while the model is still wrong.
//
// **Next**: [3. Masks and heads](03_masks_and_heads.ipynb): which masks exist, and why one look-up
// at a time is not enough.
