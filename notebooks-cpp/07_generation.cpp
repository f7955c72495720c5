// %% [markdown]
// # 7. Generation
//
// A language model gives a probability for every next token. A text needs one token at a time.
// What lies between is a decision, made hundreds of times, and it changes the text as much as the
// model does.
//
// **Write down three guesses.** If you always take the most likely token, do you get the most
// likely text? What does a model write after a while if you do? And a model has read 200 tokens:
// how many tokens must it read again to write the next one?

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "infer/decode/decode.h"
#include "infer/decode/filters.h"
#include "infer/generation/gpt_decoder.h"
#include "models/cost/gpt_cost.h"
#include "models/gpt/gpt.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(7);

// %% [markdown]
// ## By hand
//
// A model of four tokens: `begin`, `A`, `B`, `C`. Its next token depends on the last one only:
//
// | after | A | B | C |
// |---|---|---|---|
// | begin | 0.5 | 0.4 | 0.1 |
// | A | 0.4 | 0.3 | 0.3 |
// | B | 0.9 | 0.05 | 0.05 |
// | C | 0.4 | 0.3 | 0.3 |
//
// Which text of two tokens is the most likely? Greedy decoding takes A (0.5), then A (0.4):
// together 0.20. But B, then A has $0.4 \cdot 0.9 = 0.36$. The better text begins with the worse
// token, and greedy decoding never sees it. Check that no other pair exceeds 0.36.
//
// The zoo's strategies work on anything that can say what comes next: `zoo::NextToken`. You write
// the table as such a model. Its state only counts tokens.

// %%
struct Table final : zoo::NextToken {
  struct State final : zoo::DecodeState {
    explicit State(int64_t batch) : read(torch::zeros({batch}, torch::kLong)) {}
    torch::Tensor lengths() const override { return read; }
    void reorder(const torch::Tensor& rows) override { read = read.index_select(0, rows); }
    void append(std::unique_ptr<zoo::DecodeState> rows) override {
      read = torch::cat({read, rows->lengths()});
    }
    bool can_truncate() const override { return true; }
    void truncate(const torch::Tensor& lengths) override { read = lengths.clone(); }
    torch::Tensor read;  // [B]
  };
  explicit Table(const torch::Tensor& p) : logits(p.log()) {}
  zoo::Scores step(const torch::Tensor& tokens, const torch::Tensor& counts,
                   zoo::DecodeState& state, const zoo::StepWants&) const override {
    dynamic_cast<State&>(state).read += counts;
    return {.logits = logits.index({tokens.gather(1, (counts - 1).unsqueeze(1))})};  // [B, 1, V]
  }
  int64_t vocab_size() const override { return logits.size(1); }
  int64_t longest_prompt() const override { return 0; }
  torch::Tensor logits;  // [V, V]
};

// %%
const Table by_hand(torch::tensor({0.0, 0.5, 0.4, 0.1, 0.0, 0.4, 0.3, 0.3,  //
                                   0.0, 0.9, 0.05, 0.05, 0.0, 0.4, 0.3, 0.3})
                        .view({4, 4}));
const std::vector<std::vector<int64_t>> begin = {{0}};
const auto written = [&](const zoo::DecodeOptions& options) {
  return zoo::decode(by_hand, std::make_unique<Table::State>(1), begin, options).front();
};
const auto greedy = written({.max_new_tokens = 2, .sampling = {.temperature = 0}});
const auto beams = written({.max_new_tokens = 2, .beams = {.num_beams = 2}});
const std::string names = "?ABC";
for (const auto& [name, text] : {std::pair{"greedy", greedy}, std::pair{"two beams", beams}})
  nb::print(fmt::format("{}: {}{}, probability {:.3f}\n", name, names[text.tokens[0]],
                        names[text.tokens[1]], std::exp(text.log_prob())));

// %% [markdown]
// Question 31. Greedy decoding is provably not the best here. This was your first guess.

// %%
nb::claim("probability of the greedy text", std::exp(greedy.log_prob()), nb::near(0.2, 1e-5));
nb::claim("probability of the text that two beams find", std::exp(beams.log_prob()),
          nb::near(0.36, 1e-5));

// %% [markdown]
// ## Beam search
//
// A text's probability is a product, $p(y) = \prod_t p(y_t \mid y_{<t})$. Searching all $V^n$
// texts of $n$ tokens is out of the question. Beam search (Lowerre 1976) keeps the best $b$
// beginnings: at each step it extends all of them by every token, $b V$ candidates, and keeps the
// best $b$ again. With $b = 1$ it is greedy; with $b = V^{n - 1}$ nothing is ever dropped, so it
// must find the best text. That makes it testable: on a vocabulary of four and texts of five
// tokens, all 1,024 texts can be scored. The model is a small GPT with large random weights, so
// that its choices matter.

// %%
zoo::GptOptions wild_options;
wild_options.vocab_size = 4;
wild_options.context = 8;
wild_options.layers = 2;
wild_options.d_model = 16;
wild_options.init_std = 0.5;
zoo::Gpt wild(wild_options);
wild->eval();
const zoo::GptDecoder wild_decoder(wild);
std::vector<std::vector<int64_t>> prompts;  // all of three tokens
for (int64_t n = 0; n < 64; ++n) prompts.push_back({n / 16, n / 4 % 4, n % 4});

// %%
/// The log-probability of the best of all V^5 continuations of each prompt.
std::vector<double> best_of_all(zoo::Gpt model, const std::vector<std::vector<int64_t>>& prompts) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> digits;  // of 0 .. 1023 in base 4
  const auto numbers = torch::arange(1024, torch::kLong);
  for (int64_t n = 4; n >= 0; --n)
    digits.push_back(numbers.floor_divide(int64_t{1} << (2 * n)).remainder(4));
  const auto endings = torch::stack(digits, 1);  // [1024, 5]
  std::vector<double> best;
  for (const auto& prompt : prompts) {
    const auto start = torch::tensor(prompt, torch::kLong).expand({1024, 3});
    const auto logits = model(torch::cat({start, endings.narrow(1, 0, 4)}, 1));  // [1024, 7, V]
    const auto log_p = logits.narrow(1, 2, 5).log_softmax(-1);                   // [1024, 5, V]
    const auto scores = log_p.gather(-1, endings.unsqueeze(-1)).sum({1, 2});     // [1024]
    best.push_back(scores.max().item<double>());
  }
  return best;
}

// %% [markdown]
// In the picture, look where the curve reaches 1: far left of 256, the width that guarantees it.

// %%
const auto best = best_of_all(wild, prompts);
std::vector<double> widths, shares;
for (const int64_t b : {1, 2, 4, 8, 16, 256}) {
  zoo::DecodeOptions options{.max_new_tokens = 5, .beams = {.num_beams = b}};
  if (b == 1) options.sampling.temperature = 0;
  const auto found = zoo::decode(wild_decoder, wild_decoder.start(64), prompts, options);
  double hits = 0;
  for (size_t n = 0; n < 64; ++n) hits += found[n].log_prob() > best[n] - 1e-3 ? 1.0 / 64 : 0;
  widths.push_back(static_cast<double>(b));
  shares.push_back(hits);
}
nb::plot({{.label = "64 prompts", .x = widths, .y = shares}},
         {.title = "How often beam search finds the best of 1,024 texts: soon always",
          .x = "beams",
          .y = "share of prompts",
          .log_x = true,
          .y_from_zero = true});
nb::print(fmt::format("greedy {:.2f}, two beams {:.2f}, eight beams {:.2f}\n", shares[0], shares[1],
                      shares[3]));
nb::claim("256 = 4^4 beams find the best text of every prompt: share", shares.back(),
          nb::near(1, 0));
nb::claim("eight beams find it for a share of prompts of", shares[3], nb::at_least(0.95));
nb::refute("greedy decoding finds it for a share of", shares[0], nb::at_least(0.95));

// %% [markdown]
// ## Sampling, and what to leave out
//
// The most likely text is what you want of a translation. A story should surprise, so tokens are
// *drawn*. The trouble is the tail: thousands of tokens with little probability each, and together
// enough to derail one text in a few words. Filters cut the tail:
//
// | filter | keeps | paper |
// |---|---|---|
// | temperature $\tau$ | all; $p_i \propto \exp(x_i / \tau)$ | Ackley et al. 1985 |
// | top-k | the $k$ most likely | [1], §5.4 |
// | top-p, "nucleus" | the smallest set with probability at least $p$ | [2], §3.1 |
// | min-p | those with at least a share of the best one's probability | [3], §3 |
//
// - [1] Fan et al. 2018, [arXiv:1805.04833](https://arxiv.org/abs/1805.04833).
// - [2] Holtzman et al. 2019, [arXiv:1904.09751](https://arxiv.org/abs/1904.09751).
// - [3] Nguyen et al. 2024, [arXiv:2407.01082](https://arxiv.org/abs/2407.01082).
//
// Temperature reorders nothing: it only makes the distribution sharper (below 1) or flatter (above
// 1). The others reorder nothing either, but cut, and what is left is scaled up to sum to one.
//
// All take logits $[B, V]$ and return logits $[B, V]$, with $-\infty$ for what is left out. Look
// at the right half of the picture: which filters leave it dark?

// %%
const auto logits =
    torch::tensor({0.45, 0.25, 0.15, 0.08, 0.05, 0.02}).log().unsqueeze(0);  // [1, V]
const std::vector<std::pair<std::string, torch::Tensor>> filtered = {
    {"as it is", logits},
    {"temperature 0.5", zoo::scale_by_temperature(logits, 0.5)},
    {"temperature 2", zoo::scale_by_temperature(logits, 2.0)},
    {"top-k 2", zoo::keep_top_k(logits, 2)},
    {"top-p 0.8", zoo::keep_top_p(logits, 0.8)},
    {"min-p 0.15", zoo::keep_min_p(logits, 0.15)}};
std::vector<torch::Tensor> after;
std::vector<std::string> filter_names;
for (const auto& [name, kept] : filtered) {
  after.push_back(kept.softmax(-1));  // [1, V]
  filter_names.push_back(name);
}
const auto p = torch::cat(after);  // [6, V]
nb::show(p, {.title = "Probabilities after each filter: dark cells are never drawn",
             .rows = "Filter",
             .columns = "Token",
             .row_labels = filter_names,
             .low = 0,
             .high = 0.7F});
nb::print(fmt::format("tokens that are left: top-k {}, top-p {}, min-p {}\n",
                      p[3].gt(0).sum().item<int64_t>(), p[4].gt(0).sum().item<int64_t>(),
                      p[5].gt(0).sum().item<int64_t>()));

// %% [markdown]
// Top-p 0.8 keeps three: 0.45 + 0.25 = 0.70 is not enough, so the token that *crosses* 0.8 stays.
// A common mistake drops it.
//
// Question 30. What is drawn follows the filtered distribution. 20,000 draws must show it.

// %%
const double crossing = logits.softmax(-1).masked_select(p[4].gt(0)).sum().item<double>();
nb::claim("probability that top-p 0.8 keeps", crossing, nb::at_least(0.8));
nb::refute("the same without the token that crosses it", crossing - 0.15, nb::at_least(0.8));
std::vector<float> numbers;
for (uint64_t n = 0; n < 20000; ++n)
  numbers.push_back(static_cast<float>(zoo::uniform_number(/*seed=*/8, /*stream=*/0, n)));
const auto drawn = zoo::draw_tokens(filtered[4].second.expand({20000, 6}), torch::tensor(numbers));
const auto frequency = torch::bincount(drawn, {}, 6).to(torch::kFloat) / 20000;  // [V]
nb::claim("top-p: frequencies against probabilities (largest difference)",
          (frequency - p[4]).abs().max().item<double>(), nb::at_most(0.015));

// %% [markdown]
// Why not just top-k? Because $k$ is the same for a sharp and a flat distribution. Flatten the six
// probabilities by temperature, and count what is left. Look at the two lines: top-k is flat.

// %%
std::vector<double> temperatures, nucleus, fixed;
for (const double t : {0.25, 0.5, 1.0, 2.0, 4.0, 8.0}) {
  const auto flatter = zoo::scale_by_temperature(logits, t);
  temperatures.push_back(t);
  nucleus.push_back(zoo::keep_top_p(flatter, 0.8).isfinite().sum().item<double>());
  fixed.push_back(zoo::keep_top_k(flatter, 3).isfinite().sum().item<double>());
}
nb::plot({{.label = "top-p 0.8", .x = temperatures, .y = nucleus},
          {.label = "top-k 3", .x = temperatures, .y = fixed}},
         {.title = "Tokens that are left, from a sharp to a flat distribution: top-p adapts",
          .x = "temperature",
          .y = "tokens",
          .log_x = true,
          .y_from_zero = true});
nb::claim("tokens that top-p keeps of the flattest, more than of the sharpest",
          nucleus.back() - nucleus.front(), nb::at_least(3));

// %% [markdown]
// ## Loops
//
// Now a trained model. The language is a tiny English: "the old owl sees a cat .", with the words
// drawn at random. Train a two-layer GPT on it for a few seconds.

// %%
const std::vector<std::string> vocabulary = {
    ".",   "the", "a",    "old",  "small", "red",     "quick", "owl",   "cat",   "dog",
    "fox", "hen", "lynx", "toad", "crow",  "follows", "sees",  "likes", "hears", "greets"};
std::vector<int64_t> sentences(int64_t tokens, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto draw = [&](int64_t first, int64_t count) {
    return first + static_cast<int64_t>(random() % static_cast<uint64_t>(count));
  };
  std::vector<int64_t> text;
  while (std::ssize(text) < tokens) {
    for (const int64_t article : {1, 2}) {
      text.push_back(article);
      if (random() % 2 == 0) text.push_back(draw(3, 4));
      text.push_back(draw(7, 8));
      text.push_back(article == 1 ? draw(15, 5) : 0);
    }
  }
  text.resize(static_cast<size_t>(tokens));
  return text;
}

// %%
zoo::GptOptions options;
options.vocab_size = std::ssize(vocabulary);
options.context = 48;
options.layers = 2;
options.d_model = 48;
options.position = zoo::PositionKind::kRotary;
zoo::Gpt model(options);
zoo::AdamW optimizer(*model, {.beta2 = 0.98, .weight_decay = 0.0});
const auto text = torch::tensor(sentences(20000, 7), torch::kLong);
const auto offsets = torch::arange(49, torch::kLong);
for (int64_t step = 0; step < 250; ++step) {
  const auto rows = text.index({torch::randint(20000 - 49, {32, 1}, torch::kLong) + offsets});
  const auto loss = zoo::token_loss(model(rows.narrow(1, 0, 48)), rows.narrow(1, 1, 48));
  optimizer.zero_gradients();
  loss.sum.backward();
  optimizer.step(/*learning_rate=*/5e-3, /*divisor=*/loss.tokens);
  nb::progress("training", step + 1, 250);
}
model->eval();

// %%
const zoo::GptDecoder decoder(model);
std::vector<int64_t> continued(const zoo::GptDecoder& decoder, const zoo::DecodeOptions& options) {
  const std::vector<std::vector<int64_t>> prompt = {{1}};
  return zoo::decode(decoder, decoder.start(1), prompt, options).front().tokens;
}
/// The share of groups of four tokens that have come before.
double repeated(const std::vector<int64_t>& tokens) {
  std::set<std::vector<int64_t>> seen;
  for (size_t n = 0; n + 4 <= tokens.size(); ++n) seen.emplace(&tokens[n], &tokens[n] + 4);
  return 1 - static_cast<double>(seen.size()) / static_cast<double>(tokens.size() - 3);
}
std::string words_of(const std::vector<int64_t>& tokens, const std::vector<std::string>& words) {
  std::string line = "the";
  for (const int64_t token : tokens) line += " " + words[static_cast<size_t>(token)];
  return line + "\n";
}

// %%
const auto looped = continued(decoder, {.max_new_tokens = 80, .sampling = {.temperature = 0}});
const auto sampled =
    continued(decoder, {.max_new_tokens = 80, .seed = 7, .sampling = {.top_p = 0.95}});
nb::print("greedy:  " + words_of({looped.begin(), looped.begin() + 30}, vocabulary));
nb::print("sampled: " + words_of({sampled.begin(), sampled.begin() + 30}, vocabulary));
std::vector<torch::Tensor> dots;
for (const auto& tokens : {looped, sampled}) {
  const auto row = torch::tensor(tokens, torch::kLong);
  dots.push_back(row.unsqueeze(0).eq(row.unsqueeze(1)));  // [80, 80]
}
nb::show(torch::stack(dots), {.title = "Bright: the same word. Left: greedy, long stripes",
                              .rows = "Word",
                              .columns = "Word"});
const double in_text = repeated(sentences(80, 8));
nb::print(fmt::format("repeated groups of four: greedy {:.2f}, sampled {:.2f}, real text {:.2f}\n",
                      repeated(looped), repeated(sampled), in_text));

// %% [markdown]
// A stripe parallel to the diagonal is a passage that returns. Greedy decoding depends only on the
// text so far, and nothing in a sentence depends on the one before: so every sentence gets the same
// favourite words. Two that are nearly as likely may change places when older text moves the scores
// a little. That was your second guess. A rule that forbids a group of four to return breaks the
// loop, at a price: it also forbids what has to return.

// %%
nb::claim("greedy: repeated groups of four", repeated(looped), nb::at_least(0.6));
nb::claim("sampled with top-p 0.95: repeated groups, above those of real text",
          repeated(sampled) - in_text, nb::at_most(0.15));
const auto forbidden = continued(decoder, {.max_new_tokens = 80,
                                           .sampling = {.temperature = 0},
                                           .processors = {.no_repeat_ngram_size = 4}});
nb::print("no repeats: " + words_of({forbidden.begin(), forbidden.begin() + 30}, vocabulary));
nb::claim("greedy with no-repeat-ngram-size 4: repeated groups", repeated(forbidden),
          nb::near(0, 0));

// %% [markdown]
// ## One token at a time: the cache
//
// To choose token 201, must the model read all 200 again? With a causal mask, nothing that comes
// later changes the keys and values of earlier tokens. So they can be kept: the *KV cache*. A step
// then computes one row of queries, keys and values, and attends to the stored ones. Per step:
//
// | | tokens through the layers | scores | operations |
// |---|---|---|---|
// | without a cache | $t$ | $t^2$ | $2 N t + 4 L C t^2$ |
// | with a cache | 1 | $t$ | $2 N + 4 L C t$ |
//
// for $N$ weights and $L$ layers of width $C$. `zoo::cost_of` counts them. On a logarithmic axis,
// look at the gap: it is the length of the text.

// %%
zoo::GptOptions larger = zoo::GptOptions::tiny();
larger.vocab_size = 64;
larger.context = 256;
std::vector<double> lengths, whole, cached;
for (int64_t t = 16; t <= 256; t += 16) {
  const double flops = zoo::cost_of(larger, t).forward_flops;
  lengths.push_back(static_cast<double>(t));
  whole.push_back(flops / 1e6);
  cached.push_back(flops / static_cast<double>(t) / 1e6);
}
nb::plot({{.label = "without a cache", .x = lengths, .y = whole},
          {.label = "with a cache", .x = lengths, .y = cached}},
         {.title = "Operations for one more token: the gap grows with the text",
          .x = "tokens so far",
          .y = "million operations",
          .log_y = true});

// %% [markdown]
// Question 32. The cache must change the time and nothing else. Times vary from machine to
// machine, so the claims only bound ratios of processor times, well below what was measured.
// *Prefill* reads a whole prompt in one pass, with matrix products of 200 rows; *decode*
// reads it token by token. Both must give the same scores.

// %%
zoo::Gpt big(larger);
big->eval();
const zoo::GptDecoder fast(big), slow(big, /*use_cache=*/false);
const zoo::DecodeOptions long_text{.max_new_tokens = 100, .sampling = {.temperature = 0}};
nb::claim("100 greedy tokens are the same with and without the cache",
          continued(fast, long_text) == continued(slow, long_text));
const auto tokens = torch::randint(64, {1, 200}, torch::kLong),
           each = torch::ones({1}, torch::kLong);
const auto at_once = fast.start(1), by_steps = fast.start(1);
const auto prefill = fast.step(tokens, each * 200, *at_once).logits;  // [1, 1, V]
torch::Tensor decoded;
for (int64_t t = 0; t < 200; ++t)
  decoded = fast.step(tokens.narrow(1, t, 1), each, *by_steps).logits;
nb::claim("prefill and decode give the same scores (largest difference)",
          (prefill - decoded).abs().max().item<double>(), nb::at_most(1e-4));

// %%
/// Processor time of the quickest of nine tries, in seconds.
double seconds(const std::function<void()>& work) {
  double best = 1e9;
  for (int n = 0; n < 9; ++n) {
    const std::clock_t start = std::clock();
    work();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}
const auto uncached = slow.start(1);
slow.step(tokens, each * 200, *uncached);
const auto next = tokens.narrow(1, 0, 1);
const double with = seconds([&] { fast.step(next, each, *by_steps); });
const double without = seconds([&] { slow.step(next, each, *uncached); });
const double at_one_go = seconds([&] { fast.step(tokens, each * 200, *fast.start(1)); });
nb::claim("token 201 costs at least 3 times as much without the cache", without > 3 * with);
nb::claim("200 tokens at once cost less than 150 single steps", at_one_go < 150 * with);

// %% [markdown]
// That was your third guess: none. The price is memory, $2 L C$ numbers for each token and row,
// which is what fills a server that writes many long texts at once.
//
// ### Where it breaks
//
// What breaks a cache most often is the position. A new token stands at position $t$, not at 0; a
// model that restarts counting sees a text whose words have all moved.

// %%
torch::Tensor restarted;
{
  const torch::NoGradGuard no_grad;
  auto cache = big->make_cache(1, 200);
  const auto zero = torch::zeros({1, 1}, torch::kLong);
  for (int64_t t = 0; t < 200; ++t)
    restarted = big(tokens.narrow(1, t, 1), zoo::GptContext{.positions = zero, .cache = &cache});
}
nb::refute("a cache whose positions restart: difference of the scores",
           (prefill - restarted).abs().max().item<double>(), nb::at_most(1e-4));

// %% [markdown]
// ## What you have measured
//
// All numbers are of seed 7. The bounds of the claims leave room for what four other seeds gave.
//
// | claim | question |
// |---|---|
// | filters cut the tail, draws follow them; enough beams equal exhaustive search | 30 |
// | greedy decoding misses the best text, and loops | 31 |
// | the cache gives the same tokens for the work of one token a step | 32 |
//
// ## Try it
//
// 1. *By hand*: change the row after B, with a sum of 1, so that greedy decoding is right. How large
//    may its first number be?
// 2. *Beam search*: set `init_std` to 0.02. The model hardly prefers any token: do you expect
//    greedy decoding to find the best text more often or less often?
// 3. *Sampling*: replace top-p 0.8 by 0.7. Predict how many tokens stay (add the probabilities),
//    and run it. Floating-point sums decide: why?
// 4. *Loops*: sample with temperature 0.1, then 0.5. At which one does the loop begin to break?
// 5. *The cache*: restart the positions only from token 100 on. Does the negative control still
//    refute? By a smaller number?
//
// **Next**: [8. Training](08_training.ipynb): where the probabilities come from.
