// %% [markdown]
// # 9. Cost
//
// Attention compares every token with every other one. That is its strength, and its bill: twice
// the text, four times the work. You will count the operations, measure time and memory, find the
// length at which attention begins to dominate, and see what else runs out: memory for the backward
// pass, and the range in which a softmax works.
//
// **Before you read on, write down two guesses.** At which length does attention in GPT-2 (width
// 768) cost as much as all matrices of its layers together: 100 tokens, 1000, or 5000? And how many
// numbers does a layer keep for the backward pass, for each number that it reads?
//
// You need heads (lesson 3) and the layer (lesson 5). At the end you can estimate time and memory
// of a model before you build it.

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "infer/comparison/attention_comparison.h"
#include "infer/comparison/memory_meter.h"
#include "models/attention/attend.h"
#include "models/cost/gpt_cost.h"
#include "models/gpt/gpt.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/objectives/token_loss.h"

// %% [markdown]
// ## By hand, on four tokens
// Four queries and four keys of width $D_h = 2$: 16 scores of 2 multiplications each, and 4 outputs
// of width 2 that are sums of 4 products each. Together $32 + 32$ multiplications, and about as
// many additions: 128 operations. The weights are 16 numbers of 4 bytes.
//
// | | formula | grows with $T = S$ |
// |---|---|---|
// | scores $QK^\top$, $[B, H, T, S]$ | $2\,B H T S D_h$ operations | squared |
// | weighted sums $AV$, $[B, H, T, D_h]$ | $2\,B H T S D_h$ operations | squared |
// | weights $A$, $[B, H, T, S]$ | $4\,B H T S$ bytes | squared |
// | projections and FFN | $24\,B T C^2$ operations | linear |
//
// Vaswani et al. 2017 (arXiv:1706.03762), Table 1, gives the orders: $O(T^2 C)$ for a layer of
// attention.

// %%
nb::claim("Operations on four tokens", zoo::attention_flops(4, 4, 2), nb::near(128, 0));

// %% [markdown]
// ## Time and memory against length
//
// The zoo has several kernels for one formula. `matmul` forms all weights, as the paper writes it.
// `flash` never does (Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022,
// arXiv:2205.14135). It reads the keys block by block and keeps three things for each query: the
// largest score so far $m$, the sum $\ell = \sum_s e^{s - m}$, and the weighted sum of values $o$.
// When a block brings a larger score $m'$, it multiplies $\ell$ and $o$ by $e^{m - m'}$ and goes
// on. At the end the output is $o / \ell$: the exact softmax, without a row of weights.
//
// We double the length and fit a line through the logarithms: its slope is the exponent $p$ of
// $T^p$. At short lengths fixed costs blur it, so only the last four points count. The feed-forward
// network goes along for comparison. Predict six exponents: time and memory of `matmul`, `flash`
// and the FFN.

// %%
/// Processor seconds of one call, all threads together: the least of seven, so that what else runs
/// on this machine counts little.
double seconds_of(const std::function<void()>& work) {
  double best = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 7; ++repeat) {
    int calls = 0;
    const std::clock_t begin = std::clock();
    do {
      work();
      ++calls;
    } while (std::clock() - begin < CLOCKS_PER_SEC / 200);
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / calls);
  }
  return best;
}

int64_t peak_bytes_of(const std::function<void()>& work) {
  const zoo::MemoryMeter meter;
  work();
  return meter.peak();
}

double exponent(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<std::pair<double, double>> points;
  for (size_t n = 0; n < x.size(); ++n) points.emplace_back(x[n], y[n]);
  return zoo::fitted_exponent(points).value();  // of the last four points
}

// %%
torch::manual_seed(1);
std::vector<double> lengths;
std::map<std::string, std::vector<double>> seconds, bytes;
zoo::FeedForward network(zoo::FeedForwardOptions{.d_model = 128, .width = 512});
for (int64_t T = 128; T <= 2048; T *= 2) {
  const torch::NoGradGuard no_grad;
  lengths.push_back(static_cast<double>(T));
  const auto q = torch::randn({1, 4, T, 32}), k = torch::randn({1, 4, T, 32}),
             v = torch::randn({1, 4, T, 32});
  const auto x = torch::randn({1, T, 128});
  const std::map<std::string, std::function<void()>> work = {
      {"matmul", [&] { zoo::attend("matmul", q, k, v); }},
      {"flash", [&] { zoo::attend("flash", q, k, v); }},
      {"FFN", [&] { network(x); }}};
  for (const auto& [name, run] : work) {
    seconds[name].push_back(seconds_of(run));
    bytes[name].push_back(static_cast<double>(peak_bytes_of(run)));
  }
}

// %%
const auto curves = [&](std::map<std::string, std::vector<double>>& values, double unit) {
  std::vector<nb::Line> lines;
  for (const auto& [name, y] : values) {
    lines.push_back({.label = name, .x = lengths, .y = y});
    for (double& value : lines.back().y) value *= unit;
  }
  return lines;
};
nb::plot(curves(seconds, 1e3),
         {.title = "Time: on these axes a slope of 2 is a square. Which curve is flatter?",
          .x = "tokens",
          .y = "milliseconds",
          .log_x = true,
          .log_y = true});
nb::plot(curves(bytes, 1.0 / 1024),
         {.title = "Peak memory: only one of the three curves has slope 2",
          .x = "tokens",
          .y = "kilobytes",
          .log_x = true,
          .log_y = true});

std::vector<std::vector<std::string>> exponents;
for (const auto& [name, y] : seconds)
  exponents.push_back({name, fmt::format("{:.1f}", exponent(lengths, y)),
                       fmt::format("{:.2f}", exponent(lengths, bytes[name]))});
nb::table({"", "exponent of time", "of memory"}, exponents);

// %% [markdown]
// Question 33. *Why $O(N^2)$?* Because there are $T^2$ scores. The memory can be avoided, because
// nobody needs all weights at once: `flash` does the same work in linear memory, and is faster
// because the weights need not travel. The work cannot be avoided, as long as the result is exact.
// The feed-forward network sees each token alone, so it is linear in both.

// %%
const double weight_bytes = 4.0 * 4 * 2048 * 2048;  // 4 heads
nb::claim("matmul: exponent of memory", exponent(lengths, bytes["matmul"]), nb::near(2, 0.15));
nb::claim("matmul: peak memory / bytes of the weights, at 2048 tokens",
          bytes["matmul"].back() / weight_bytes, nb::between(1, 3.2));
nb::claim("flash: exponent of memory", exponent(lengths, bytes["flash"]), nb::at_most(1.2));
nb::claim("matmul: exponent of time", exponent(lengths, seconds["matmul"]), nb::between(1.6, 2.8));
nb::claim("flash: exponent of time", exponent(lengths, seconds["flash"]), nb::near(2, 0.4));
nb::refute("FFN: exponent of time is a square, too", exponent(lengths, seconds["FFN"]),
           nb::between(1.6, 2.8));

// %% [markdown]
// ## When does it matter?
//
// A layer's matrices hold $12\,C^2$ weights and cost $24\,C^2$ operations a token; attention costs
// $4\,T C$. They are equal at $T = 6C$. The functions in `models/cost` count without building a
// model.

// %%
const zoo::GptOptions gpt2 = zoo::resolved(zoo::GptOptions::gpt2());
const auto attention_share = [&](double T) {
  return zoo::attention_flops(T, T, static_cast<double>(gpt2.d_model)) /
         zoo::block_cost(zoo::block_options(gpt2, 0), T).forward_flops;
};
std::vector<double> context, share;
for (double T = 128; T <= 65536; T *= 2) {
  context.push_back(T);
  share.push_back(attention_share(T));
}
nb::plot({{.label = "GPT-2, width 768", .x = context, .y = share}},
         {.title = "Attention's share of a layer's operations: where is it one half?",
          .x = "tokens",
          .y = "share",
          .log_x = true,
          .y_from_zero = true});
const auto T_equal = static_cast<double>(6 * gpt2.d_model);
nb::print(fmt::format("at {:.0f} tokens: {:.3f}\n", T_equal, attention_share(T_equal)));
nb::claim("Attention's share at T = 6 C", attention_share(T_equal), nb::near(0.5, 0.005));
nb::claim("Attention's share in GPT-2 at its full context of 1024", attention_share(1024),
          nb::at_most(0.2));

// %% [markdown]
// So short texts are about matrices, and long texts about attention. Compare with your first guess.
// This is also why methods for long texts (sparse, low-rank, linear attention: question 34, for
// which [lesson 20](20_beyond_softmax.ipynb) measures) would not help a model of 512 tokens.
//
// ## What the backward pass keeps
//
// Training keeps the input of every operation until the gradient has passed. Measure one layer of
// width 128 with 4 heads, part by part, in numbers per token and channel: 1 is as much as the input
// itself.

// %%
/// Peak bytes of a pass that keeps what its backward pass needs / bytes of x, for 512 tokens of
/// width 128.
double kept(const std::function<torch::Tensor(const torch::Tensor&)>& part, int64_t T = 512) {
  const auto x = torch::randn({1, T, 128}).requires_grad_();
  torch::Tensor y;
  const int64_t peak = peak_bytes_of([&] { y = part(x); });
  return static_cast<double>(peak) / (4.0 * static_cast<double>(T) * 128);
}

zoo::Block block_with(const std::string& kernel) {
  zoo::StackOptions o{.layers = 1, .d_model = 128, .heads = 4};
  o.attention = kernel;
  zoo::resolve(o);
  return zoo::Block(zoo::block_options(o, 0));
}

zoo::Block plain = block_with("matmul"), flash = block_with("flash");
const double norm_part = kept([&](const torch::Tensor& x) { return plain->attention_norm(x); });
const double ffn_part = kept([&](const torch::Tensor& x) { return plain->feed_forward(x); });
const double attention_part = kept([&](const torch::Tensor& x) { return plain->attention(x); });
const double flash_part = kept([&](const torch::Tensor& x) { return flash->attention(x); });
nb::table({"part, 512 tokens", "numbers per token and channel"},
          {{"norm", fmt::format("{:.1f}", norm_part)},
           {"feed-forward network", fmt::format("{:.1f}", ffn_part)},
           {"attention, matmul", fmt::format("{:.1f}", attention_part)},
           {"attention, flash", fmt::format("{:.1f}", flash_part)}});

// %% [markdown]
// The feed-forward network keeps its hidden layer before and after the activation, $4 + 4$, and
// returns 1. Attention keeps 3 for queries, keys and values, and $H T / C$ for each copy of the
// weights: here $4 \cdot 512 / 128 = 16$. Only that term grows with the length (Korthikanti et al.
// 2022, arXiv:2205.05198, Eq. 1 and 2, have the sum for GPT). So the next picture has to show a
// level curve and a rising one.

// %%
std::vector<double> tokens, by_matmul, by_flash;
for (int64_t T = 64; T <= 1024; T *= 2) {
  tokens.push_back(static_cast<double>(T));
  by_matmul.push_back(kept([&](const torch::Tensor& x) { return plain(x); }, T));
  by_flash.push_back(kept([&](const torch::Tensor& x) { return flash(x); }, T));
}
nb::plot({{.label = "matmul", .x = tokens, .y = by_matmul},
          {.label = "flash", .x = tokens, .y = by_flash}},
         {.title = "What a layer holds at its peak, for each token: which curve is level?",
          .x = "tokens",
          .y = "numbers per token and channel",
          .y_from_zero = true});
const double copies = (by_matmul[4] - by_matmul[3]) / (4 * 512.0 / 128);
nb::print(fmt::format("1024 tokens: matmul {:.1f}, flash {:.1f}; copies of the weights: {:.2f}\n",
                      by_matmul[4], by_flash[4], copies));
nb::claim("Feed-forward network: numbers per token and channel", ffn_part, nb::between(8, 10.5));
nb::claim("matmul: copies of the weights that a layer holds at once", copies,
          nb::between(0.9, 3.5));
nb::refute("flash holds such copies as well", (by_flash[4] - by_flash[3]) / (4 * 512.0 / 128),
           nb::between(0.9, 3.5));

// %% [markdown]
// ## Where it breaks: scores that grow
//
// A softmax needs the exponential of its scores. In float32 $e^{89}$ is infinite. Every kernel
// subtracts the row's maximum first, so large scores are no error. But they make the softmax a hard
// choice: one weight is 1, the others are 0, and the gradient $p_i (\delta_{ij} - p_j)$ vanishes.

// %%
const auto scores = torch::tensor({100.f, 99.f, 98.f});
nb::claim("Softmax of 100, 99, 98: the first weight", scores.softmax(0)[0].item<double>(),
          nb::near(0.665, 0.001));
nb::refute("exp(100) is a number in float32", scores.exp()[0].item<double>(), nb::at_most(3.4e38));

/// The largest |q k| / sqrt(Dh) of layer `n` on these tokens; `normed`: queries and keys divided by
/// their root mean square.
double largest_score(zoo::Gpt& gpt, const torch::Tensor& tokens, int64_t n, bool normed) {
  const torch::NoGradGuard no_grad;
  zoo::Trace trace{.hidden_states = true};
  gpt->hidden(tokens, {.trace = &trace});
  auto& block = *gpt->blocks->ptr(static_cast<size_t>(n))->as<zoo::BlockImpl>();
  const auto parts =
      block.attention
          ->in_proj(block.attention_norm(trace.tensors.at("hidden_states." + std::to_string(n))))
          .chunk(3, -1);  // 3 x [B, T, C]
  const auto head = [&](const torch::Tensor& t) {
    const auto split = t.unflatten(-1, {gpt->options.heads, -1}).transpose(1, 2);  // [B, H, T, Dh]
    return normed ? split / split.square().mean(-1, true).sqrt() : split;
  };
  const auto score =
      torch::matmul(head(parts[0]), head(parts[1]).transpose(-1, -2));  // [B, H, T, T]
  return score.abs().max().item<double>() / std::sqrt(static_cast<double>(gpt->options.head_width));
}

// %% [markdown]
// Do scores grow in training? The task: eight random tokens, then the same eight again; the model
// must find the earlier copy. We train at a sensible rate and at ten times that rate, and watch the
// largest score of any layer.

// %%
struct Course {
  std::vector<double> step, loss;               // of each update
  std::vector<double> measured, score, normed;  // the largest score, every fifth update
};

/// 16 rows of eight tokens, twice, and targets for the second half.
std::pair<torch::Tensor, torch::Tensor> repeats() {
  const auto half = torch::randint(16, {16, 8}, torch::kLong);
  const auto tokens = torch::cat({half, half}, 1);  // [B, T]
  auto targets = tokens.roll(-1, 1);                // [B, T]
  targets.slice(1, 0, 7).fill_(zoo::kIgnored);
  targets.select(1, 15).fill_(zoo::kIgnored);
  return {tokens, targets};
}

// %%
Course train_at(double learning_rate) {
  torch::manual_seed(1);
  zoo::GptOptions o;
  o.vocab_size = 16, o.context = 16, o.layers = 2, o.d_model = 64, o.heads = 2;
  zoo::Gpt gpt(o);
  zoo::AdamW optimizer(*gpt, {});
  Course course;
  for (int step = 1; step <= 200; ++step) {
    const auto [tokens, targets] = repeats();
    const auto loss = zoo::token_loss(gpt(tokens), targets);
    loss.sum.backward();
    optimizer.step(learning_rate, loss.tokens);
    optimizer.zero_gradients();
    course.step.push_back(step);
    course.loss.push_back(loss.sum.item<double>() / loss.tokens);
    if (step % 5 != 0) continue;
    course.measured.push_back(step);
    course.score.push_back(
        std::max(largest_score(gpt, tokens, 0, false), largest_score(gpt, tokens, 1, false)));
    course.normed.push_back(
        std::max(largest_score(gpt, tokens, 0, true), largest_score(gpt, tokens, 1, true)));
  }
  return course;
}

// %%
/// How far the loss ever rises above the lowest that it had reached.
double highest_spike(const std::vector<double>& losses) {
  double least = losses.front(), spike = 0;
  for (const double loss : losses) {
    least = std::min(least, loss);
    spike = std::max(spike, loss - least);
  }
  return spike;
}

const Course calm = train_at(3e-3), wild = train_at(3e-2);
nb::plot({{.label = "rate 0.003", .x = calm.measured, .y = calm.score},
          {.label = "rate 0.03", .x = wild.measured, .y = wild.score},
          {.label = "rate 0.03, normed", .x = wild.measured, .y = wild.normed}},
         {.title = "Largest attention score: one curve leaves the range in which a softmax is soft",
          .x = "update",
          .y = "score",
          .log_y = true});
nb::table(
    {"rate", "largest score", "loss at the end", "highest spike"},
    {{"0.003", fmt::format("{:.1f}", calm.score.back()), fmt::format("{:.3f}", calm.loss.back()),
      fmt::format("{:.2f}", highest_spike(calm.loss))},
     {"0.03", fmt::format("{:.1f}", wild.score.back()), fmt::format("{:.3f}", wild.loss.back()),
      fmt::format("{:.2f}", highest_spike(wild.loss))}});

// %% [markdown]
// Question 48. *Memory and stability limits*, as far as the zoo has them. Memory: the table by part
// above. Stability: at the high rate the scores pass 100, where a softmax is a hard choice, and the
// loss stays high. That one causes the other is not shown here.
//
// QK-norm normalises queries and keys: to length 1, with a learned scale (Henry et al. 2020,
// arXiv:2010.04245), or by LayerNorm (Dehghani et al. 2023, arXiv:2302.05442). We divide by the
// root mean square. Then $|q \cdot k| / \sqrt{D_h} \le \sqrt{D_h}$, by Cauchy and Schwarz, whatever
// the weights are: here $\sqrt{32} = 5.66$.
//
// *Open:* the zoo has no option for QK-norm yet, so this lesson only applies it to the queries and
// keys of a trained model. That training with it survives the high rate remains to be shown, as
// does recomputation of activations.

// %%
nb::claim("Largest score at rate 0.03 (seed 1)", wild.score.back(), nb::at_least(100));
nb::claim("The same at rate 0.003", calm.score.back(), nb::at_most(50));
nb::claim("Loss at the end, rate 0.03 minus rate 0.003", wild.loss.back() - calm.loss.back(),
          nb::at_least(0.2));
nb::claim("Largest score ever with normed queries and keys",
          *std::max_element(wild.normed.begin(), wild.normed.end()),
          nb::at_most(std::sqrt(32.0) + 1e-3));

// %% [markdown]
// ## What you have measured
//
// | claim | question |
// |---|---|
// | time and weights grow as $T^2$; `flash` avoids the memory, not the work | 33 |
// | attention costs as much as the matrices at $T = 6C$ | 33 |
// | what a layer holds at its peak, by part | 48 |
// | scores grow without bound at a high rate; normed ones cannot | 48 |
// | *open*: training with QK-norm; recomputation of activations | 48 |
//
// ## Try it
//
// 1. *Time and memory*: add `{"online", [&] { zoo::attend("online", q, k, v); }}` to `work`.
//    Predict both exponents.
// 2. *Time and memory*: give `flash` a window, `zoo::attend("flash", q, k, v, {.window = 64})`.
//    Which exponent of time do you expect, and which claim fails?
// 3. *When does it matter?*: take `GptOptions::gpt2_xl()`, of width 1600. Where is the half now,
//    and what is the share at 1024 tokens?
// 4. *What the backward pass keeps*: set `o.heads` to 16 in `block_with`. Which term grows, and by
//    which factor?
// 5. *Scores that grow*: clip the gradient in `train_at`: pass
//    `loss.tokens * std::max(1.0, optimizer.gradient_norm() / loss.tokens)` to `step`. Do the
//    scores stay small? Think of what Adam does with a factor.
//
// **Next**: [10. Tokenization](10_tokenization.ipynb): what the tokens are, and who cuts them.
