// %% [markdown]
// # 12. From GPT-2 to Llama
//
// GPT-2 appeared in 2019, Llama in 2023. Both are stacks of the same block, and a reader who knows
// one can read the other. Four parts were exchanged: the norm, the positions, the feed-forward
// network, and, from Llama 2 on, the number of key-value heads. In this lesson you turn one switch
// after the other, from a small GPT-2 to a small Llama, and measure what each is good for.
//
// **Before you read on, write down two guesses.** Which of the four switches helps a
// tiny model most? And how much memory does Llama 3 8B need to remember 8192 tokens of one
// conversation, at two bytes a number?
//
// You need multi-head attention ([lesson 3](03_masks_and_heads.ipynb)), positions
// ([lesson 4](04_positions.ipynb)) and the layer ([lesson 5](05_the_layer.ipynb)).

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/attention/attend.h"
#include "models/cost/gpt_cost.h"
#include "models/gpt/gpt.h"
#include "models/layers/feed_forward.h"
#include "models/layers/norm.h"
#include "models/positions/rotary.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/loop/schedule.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(12);

// %% [markdown]
// ## By hand: the norm
//
// A token's vector is $(1, 2, 3, 6)$. Layer norm subtracts the mean, 3, and divides by the standard
// deviation, $\sqrt{(4 + 1 + 0 + 9)/4} = \sqrt{3.5}$. RMS norm (Zhang & Sennrich 2019,
// [arXiv:1910.07467](https://arxiv.org/abs/1910.07467), Eq. 4) leaves the mean alone and divides by
// the root of the mean square, $\sqrt{(1 + 4 + 9 + 36)/4} = \sqrt{12.5}$. Compute both first
// numbers before you run the cell.

// %%
const auto token = torch::tensor({1.0F, 2.0F, 3.0F, 6.0F});
zoo::Norm layer_norm(4), rms_norm(4, zoo::NormOptions{.kind = zoo::NormKind::kRms});
const auto by_layer = layer_norm(token), by_rms = rms_norm(token);
const auto layer_hand = (token - 3) / std::sqrt(3.5), rms_hand = token / std::sqrt(12.5);
const auto text_of = [](const torch::Tensor& t) {
  return fmt::format("{:.3f}  {:.3f}  {:.3f}  {:.3f}", t[0].item<float>(), t[1].item<float>(),
                     t[2].item<float>(), t[3].item<float>());
};
nb::table({"", "by hand", "by the zoo"}, {{"layer norm", text_of(layer_hand), text_of(by_layer)},
                                          {"RMS norm", text_of(rms_hand), text_of(by_rms)}});
nb::claim("both norms are as computed by hand (largest difference)",
          torch::cat({by_layer - layer_hand, by_rms - rms_hand}).abs().max().item<double>(),
          nb::at_most(1e-4));

// %% [markdown]
// RMS norm has one learned vector, the gain, where layer norm has two. Both forget the length of
// the vector; layer norm forgets its mean as well.
//
// ## The formulas
//
// | part | GPT-2 | Llama |
// |---|---|---|
// | norm | $g \odot \frac{x - \mu}{\sigma} + b$ | $g \odot \frac{x}{\mathrm{rms}(x)}$ |
// | positions | a learned vector, added | $q_t$, $k_s$ turned by $t\theta$, $s\theta$ |
// | feed-forward | $W_2\,\mathrm{GELU}(W_1 x)$ | $W_2\,(\mathrm{SiLU}(W_g x) \odot W_v x)$ |
// | heads | $H$ keys and values | $H_{kv}$ of them, shared by groups |
//
// The papers: Zhang & Sennrich 2019, Eq. 4 (norm); Su et al. 2021, Eq. 34 (rotary positions);
// Shazeer 2020, Eq. 6 (SwiGLU); Ainslie et al. 2023, §2.2 (grouped heads).
//
// | tensor | shape |
// |---|---|
// | $x$ | $[B, T, C]$ |
// | queries | $[B, H, T, D_h]$ |
// | keys, values | $[B, H_{kv}, T, D_h]$ |
// | $W_1$, $W_g$, $W_v$ | $[F, C]$ |
// | $W_2$ | $[C, F]$ |
//
// Llama also drops all biases. Two of the formulas are quickly compared with the zoo's modules: the
// gated network, and a group of query heads that share a key-value head.

// %%
zoo::FeedForward gated(zoo::FeedForwardOptions{
    .d_model = 8, .width = 16, .activation = zoo::Activation::kSwiglu, .bias = false});
const auto x = torch::randn({2, 3, 8});                   // [B, T, C]
const auto parts = gated->in_proj->weight.chunk(2, 0);    // gate and value, [F, C] each
const auto gate = torch::linear(x, parts[0]);             // [B, T, F]
const auto value = torch::linear(x, parts[1]);            // [B, T, F]
const auto opened = gate * torch::sigmoid(gate) * value;  // SiLU(gate) times value
const auto difference = gated(x) - torch::linear(opened, gated->out_proj->weight);
nb::claim("FeedForward with SwiGLU is Eq. 6 (largest difference)",
          difference.abs().max().item<double>(), nb::at_most(1e-5));
const auto q = torch::randn({1, 4, 5, 8});                                  // [B, H, T, Dh]
const auto k = torch::randn({1, 2, 5, 8}), v = torch::randn({1, 2, 5, 8});  // [B, Hkv, T, Dh]
const auto shared = zoo::attend("torch", q, k, v, {.causal = true});
const auto copied =
    zoo::attend("torch", q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1), {.causal = true});
nb::claim("two key-value heads for four queries: as if each were copied (largest difference)",
          (shared - copied).abs().max().item<double>(), nb::at_most(1e-5));

// %% [markdown]
// ## Positions: what rotation buys
//
// Take one query vector and one key vector, and put them at every pair of positions. With learned
// positions a vector is added first, different at each place. With rotary positions both are
// turned, and the angle between them depends on the distance $t - s$ alone. On the right, look for
// stripes along the diagonals; on the left there are none.

// %%
const auto one_q = torch::randn({1, 1, 1, 16}), one_k = torch::randn({1, 1, 1, 16});
const auto table = torch::randn({1, 1, 24, 16}) * 0.5;  // learned positions, before any learning
const auto added = (one_q + table).matmul((one_k + table).transpose(2, 3))[0][0];  // [24, 24]
const zoo::RotaryPosition rotary(16);
const auto turn = rotary.rotation(torch::arange(24).view({1, 24}));
const auto turned_q = zoo::rotate(one_q.expand({1, 1, 24, 16}), turn);
const auto turned_k = zoo::rotate(one_k.expand({1, 1, 24, 16}), turn);
const auto turned = turned_q.matmul(turned_k.transpose(2, 3))[0][0];  // [24, 24]
nb::show(torch::stack({added, turned}), {.title = "Scores. Left: added. Right: rotated, in stripes",
                                         .rows = "Query position",
                                         .columns = "Key position"});
// How much a score changes if query and key both move one step.
const auto moves = [](const torch::Tensor& scores) {
  return (scores.slice(0, 1).slice(1, 1) - scores.slice(0, 0, -1).slice(1, 0, -1)).abs().max();
};
nb::print(fmt::format("largest change along a diagonal: added {:.2f}, rotated {:.6f}\n",
                      moves(added).item<double>(), moves(turned).item<double>()));
nb::claim("rotated: a score depends on the distance only (largest change)",
          moves(turned).item<double>(), nb::at_most(1e-4));
nb::refute("added: the same", moves(added).item<double>(), nb::at_most(1e-4));

// %% [markdown]
// ## The task
//
// A small grammar writes sentences, and the model reads them letter by letter: article, adjective,
// noun, verb, article, noun. Each word is drawn evenly from a short list, so you know how well a
// perfect model would do: the choices cost $\ln(2 \cdot 4 \cdot 8 \cdot 6 \cdot 2 \cdot 8)$ nats a
// sentence, and the letters between the choices cost nothing.

// %%
const std::vector<std::vector<std::string>> grammar = {
    {"the ", "a "},
    {"new ", "red ", "small ", "quiet "},
    {"cat ", "king ", "boat ", "lemon ", "river ", "door ", "fox ", "window "},
    {"sees ", "follows ", "hides ", "wants ", "moves ", "remembers "},
    {"the ", "a "},
    {"cat", "king", "boat", "lemon", "river", "door", "fox", "window"}};

double letters = 2, choices = 0;  // ". " and the mean length of what stands before it
for (const auto& words : grammar) {
  for (const auto& word : words) letters += double(word.size()) / double(words.size());
  choices += std::log(double(words.size()));
}
const double floor_nats = choices / letters;
std::string text;
while (text.size() < 60000) {
  for (const auto& words : grammar) {
    const auto pick = torch::randint(static_cast<int64_t>(words.size()), {1}).item<int64_t>();
    text += words[static_cast<size_t>(pick)];
  }
  text += ". ";
}
nb::print(text.substr(0, 120) + "\n");
nb::print(fmt::format("floor: {:.3f} nats a letter\n", floor_nats));

// %%
/// Letters as numbers: a .. z are 0 .. 25, space 26, full stop 27.
torch::Tensor ids_of(const std::string& text) {
  std::vector<int64_t> ids;
  for (const char c : text) ids.push_back(c == ' ' ? 26 : c == '.' ? 27 : c - 'a');
  return torch::tensor(ids);
}
/// `count` windows of `length` letters and the one after, from random places
torch::Tensor windows(const torch::Tensor& ids, int64_t count, int64_t length) {
  const auto begin = torch::randint(ids.numel() - length, {count, 1}, torch::kLong);
  return ids.index({begin + torch::arange(length + 1)});  // [count, length + 1]
}
zoo::TokenLoss loss_of(zoo::Gpt& gpt, const torch::Tensor& x, int64_t from = 0) {
  const int64_t T = x.size(1) - 1;
  const auto logits = gpt(x.narrow(1, 0, T)).narrow(1, from, T - from);
  return zoo::token_loss(logits, x.narrow(1, from + 1, T - from));
}
/// Mean loss on unseen windows, where at least `from` letters stand before.
double measured(zoo::Gpt& gpt, const torch::Tensor& ids, int64_t length, int64_t from) {
  const torch::NoGradGuard no_grad;
  const auto loss = loss_of(gpt, windows(ids, 200, length), from);
  return loss.sum.item<double>() / loss.tokens;
}

// %% [markdown]
// ## One switch at a time
//
// You begin with GPT-2's shape and keep each switch once it is turned: five models, the last a
// small Llama. SwiGLU has three matrices instead of two, so its width is $8/3$ of $C$ instead of
// $4 C$: then it has as many weights.

// %%
struct Variant {
  std::string name;
  zoo::GptOptions options;
};
std::vector<Variant> variants() {
  zoo::GptOptions o;
  o.vocab_size = 28;
  o.context = 48;
  o.layers = 2;
  o.d_model = 48;
  o.heads = 4;
  o.activation = zoo::Activation::kGeluTanh;
  o.init_std = 0.08;
  std::vector<Variant> all{{"GPT-2", o}};
  o.norm = zoo::NormKind::kRms;
  o.norm_bias = o.attention_bias = o.feed_forward_bias = false;
  all.push_back({"RMS norm", o});
  o.position = zoo::PositionKind::kRotary;
  all.push_back({"rotary", o});
  o.activation = zoo::Activation::kSwiglu;
  o.feed_forward = 128;  // 8/3 of 48
  all.push_back({"SwiGLU", o});
  o.kv_heads = 1;
  all.push_back({"one key-value head", o});
  return all;
}

// %%
nb::Line train(zoo::Gpt& gpt, const std::string& name, const torch::Tensor& ids) {
  constexpr int64_t kSteps = 300;
  zoo::AdamW optimizer(*gpt, {.weight_decay = 0.0});
  const zoo::ScheduleOptions schedule{.warmup_steps = 30, .steps = kSteps};
  nb::Line curve{.label = name, .x = {}, .y = {}};
  double sum = 0;
  for (int64_t step = 1; step <= kSteps; ++step) {
    optimizer.zero_gradients();
    const auto loss = loss_of(gpt, windows(ids, 16, 48));
    loss.sum.backward();
    optimizer.step(5e-3 * zoo::schedule_factor(schedule, step - 1), loss.tokens);
    nb::progress(name, step, kSteps);
    sum += loss.sum.item<double>() / loss.tokens / 20;
    if (step % 20 != 0) continue;
    curve.x.push_back(static_cast<double>(step));
    curve.y.push_back(std::exchange(sum, 0));
  }
  return curve;
}

// %%
const auto ids = ids_of(text), train_ids = ids.slice(0, 0, 50000), unseen = ids.slice(0, 50000);
std::vector<zoo::Gpt> models;
std::vector<nb::Line> curves;
std::vector<double> excess, parameters, cache;
std::vector<std::vector<std::string>> rows;
for (const auto& [name, options] : variants()) {
  models.emplace_back(options);
  curves.push_back(train(models.back(), name, train_ids));
  excess.push_back(measured(models.back(), unseen, 48, 24) - floor_nats);
  const auto cost = zoo::cost_of(options, 1);
  parameters.push_back(cost.parameters);
  cache.push_back(cost.cache_values_per_token);
  rows.push_back({name, fmt::format("{:.3f}", excess.back()), fmt::format("{}", parameters.back()),
                  fmt::format("{}", cache.back())});
}
nb::table({"", "nats above the floor", "parameters", "cache, numbers a token"}, rows);
nb::plot(curves, {.title = "Loss while training: at 100 updates look for two groups",
                  .x = "updates",
                  .y = "nats a letter",
                  .y_from_zero = true});

// %% [markdown]
// Each name says what was added to the model before it. In the picture the curves form two groups:
// the three models with rotary positions learn sooner, because a spelling learned at one place holds
// at all others.
//
// Question 42. At the end all five are close to the floor, and to each other: on an easy task a tiny
// model is good enough with any of these parts. If you guessed one winner, you are in good company;
// the papers report gains of a few per cent, at a thousand times this size. What did change are the
// sizes.

// %%
const double slow = std::min(curves[0].y[4], curves[1].y[4]);                     // update 100
const double quick = std::max({curves[2].y[4], curves[3].y[4], curves[4].y[4]});  // rotary
nb::print(fmt::format("at 100 updates: learned at least {:.2f}, rotary at most {:.2f}\n", slow,
                      quick));
nb::claim("rotary positions are ahead after 100 updates (nats, seed 12)", slow - quick,
          nb::at_least(0.1));
const auto [best, worst] = std::minmax_element(excess.begin(), excess.end());
nb::claim("nats a letter between the best and the worst of the five", *worst - *best,
          nb::at_most(0.05));
nb::claim("nats a letter of the worst, above the floor", *worst, nb::at_most(0.05));
nb::claim("SwiGLU with 8/3 C: weights, in those of GELU with 4 C", parameters[3] / parameters[2],
          nb::near(1, 0.01));
nb::claim("one key-value head of four: cache a token, in that of four heads", cache[4] / cache[3],
          nb::near(0.25, 0));

// %% [markdown]
// RMS norm saves a vector for each norm, and the mean. Rotary positions save the table.
// Grouped heads save weights, but above all memory while generating: the cache holds
// $2 \cdot L \cdot H_{kv} \cdot D_h$ numbers for each token.
//
// The stripes should be there in the trained models as well. Shift the position ids of a text by
// 20: a rotary model must not notice.

// %%
const torch::NoGradGuard no_grad;
const auto line = unseen.slice(0, 0, 24).unsqueeze(0);  // [1, 24]
const auto from_0 = torch::arange(24).view({1, 24});
const auto shift_changes = [&](zoo::Gpt& gpt) {
  const auto here = gpt(line, zoo::GptContext{.positions = from_0});
  const auto there = gpt(line, zoo::GptContext{.positions = from_0 + 20});
  return (here.softmax(-1) - there.softmax(-1)).abs().max().item<double>();
};
nb::claim("Llama, text moved by 20 positions: largest change of a probability",
          shift_changes(models[4]), nb::at_most(1e-3));
nb::refute("GPT-2, the same", shift_changes(models[0]), nb::at_most(1e-3));

// %% [markdown]
// ## The real sizes
//
// The same options at full size: nothing is built, the zoo counts from the options. Compare the
// two Llamas in the last column.

// %%
const std::vector<Variant> published = {{"GPT-2", zoo::GptOptions::gpt2()},
                                        {"Llama 7B", zoo::GptOptions::llama_7b()},
                                        {"Llama 3 8B", zoo::GptOptions::llama3_8b()}};
std::vector<nb::Line> memory;
std::vector<std::vector<std::string>> sizes;
std::vector<double> billions, kib;
for (const auto& [name, o] : published) {
  const auto cost = zoo::cost_of(o, 1);
  billions.push_back(cost.parameters / 1e9);
  kib.push_back(cost.cache_values_per_token * 2 / 1024);  // two bytes a number
  sizes.push_back({name, fmt::format("{:.3f}", billions.back()), fmt::format("{}", o.heads),
                   fmt::format("{}", o.kv_heads > 0 ? o.kv_heads : o.heads),
                   fmt::format("{}", kib.back())});
  memory.push_back({.label = name, .x = {}, .y = {}});
  for (double tokens = 128; tokens <= 8192; tokens *= 2) {
    memory.back().x.push_back(tokens);
    memory.back().y.push_back(tokens * kib.back() / (1024 * 1024));
  }
}
nb::table({"", "billion parameters", "heads", "key-value heads", "cache, KiB a token"}, sizes);

// %% [markdown]
// The picture shows the cache of one conversation. Look at the right end, where a conversation has
// 8192 tokens: Llama 3 needs 1 GiB, which was your second guess. With a key-value head for each of
// its 32 heads it would need four.

// %%
nb::plot(memory, {.title = "The cache grows with the text: at 8192 tokens look for 1 GiB and 4 GiB",
                  .x = "tokens",
                  .y = "GiB",
                  .log_x = true,
                  .log_y = true});
nb::print(fmt::format("at 8192 tokens: {:.2f}, {:.2f}, {:.2f} GiB\n", memory[0].y.back(),
                      memory[1].y.back(), memory[2].y.back()));
nb::claim("GPT-2: million parameters", billions[0] * 1000, nb::near(124.4, 0.1));
nb::claim("Llama 3 8B: billion parameters", billions[2], nb::near(8.03, 0.01));
nb::claim("Llama 3 8B: GiB of cache for 8192 tokens", memory[2].y.back(), nb::near(1, 0));
nb::claim("Llama 7B needs as many times more", kib[1] / kib[2], nb::near(4, 0));

// %% [markdown]
// ## Where it breaks
//
// Learned positions end where the table ends: beyond it the zoo refuses, in one line. Rotary
// positions have an angle for every position, so the model runs on. Does it also work? The models
// were trained on 48 letters. Read 48, 72, 96 and 192, and measure at the last 24. Look at how soon
// the curve leaves the floor.

// %%
std::string refusal = "none";
try {
  models[0](unseen.slice(0, 0, 96).unsqueeze(0));
} catch (const c10::Error& error) {
  refusal = error.what_without_backtrace();
}
nb::print("GPT-2: " + refusal + "\n");
nb::claim("learned positions: a text twice as long is refused", refusal != "none");
nb::Line longer{.label = "Llama", .x = {}, .y = {}};
for (const int64_t length : {48, 72, 96, 192}) {
  longer.x.push_back(static_cast<double>(length));
  longer.y.push_back(measured(models[4], unseen, length, length - 24) - floor_nats);
}
nb::plot({longer}, {.title = "Longer than in training: the loss rises from the floor",
                    .x = "letters read",
                    .y = "nats a letter above the floor",
                    .y_from_zero = true});
nb::print(fmt::format("at 192 letters: {:.2f} nats above the floor\n", longer.y.back()));
nb::refute("rotary positions at four times the length: nats above the floor", longer.y.back(),
           nb::at_most(0.1));

// %% [markdown]
// A score depends on the distance only, but distances above 47 never came up in training. Rotation
// is no cure for that; [lesson 4](04_positions.ipynb) shows what helps.
//
// ## What you have measured
//
// | claim | question |
// |---|---|
// | norms, SwiGLU and grouped heads of the zoo equal the formulas | 42 |
// | five models from GPT-2 to Llama reach the same loss on an easy task | 42 |
// | with rotary positions they get there sooner | 42 |
// | rotary scores depend on distance only; learned positions do not have that property | 42 |
// | grouped heads divide the cache: 1 GiB instead of 4 for Llama 3 at 8192 tokens | 42 |
// | beyond the trained length, learned positions are refused and rotary ones get worse | 42 |
//
// One part of question 42 has a lesson of its own: [experts](19_experts.ipynb), as in Mixtral.
//
// ## Try it
//
// 1. *One switch at a time*: set `o.kv_heads = 2` instead of 1. Predict the last column of the
//    table, and which claim fails.
// 2. *One switch at a time*: leave out `o.feed_forward = 128`. Predict by which factor the weights
//    of the feed-forward network grow, then read the table.
// 3. *By hand*: add 10 to each number of the token. Which of the two norms gives the same result as
//    before?
// 4. *Positions*: replace `* 0.5` by `* 0.05`. What happens to the stripes on the left, and why
//    does the negative control still hold?
// 5. *Where it breaks*: train with windows of 96 letters (`context` and the call of `windows`).
//    Where do you expect the curve to leave the floor now?
//
// **Next**: [13. Vision](13_vision.ipynb): the same block, with patches of a picture instead of
// words.
