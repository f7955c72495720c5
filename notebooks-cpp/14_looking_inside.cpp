// %% [markdown]
// # 14. Looking inside
//
// A trained model answers. Which of its parts gave the answer, and which of its training examples?
// A picture of attention invites stories; this lesson puts numbers beside the pictures, and takes
// parts away to see whether the story was true.
//
// **Before you read on, write down two guesses.** A model reads random tokens that come twice, and
// repeats them. What must its heads look at, and in how many layers? And if each of four heads can
// be left out at a small cost, what do all four cost together: the sum, less, or more?
//
// You need attention ([lesson 2](02_self_attention.ipynb)), heads
// ([lesson 3](03_masks_and_heads.ipynb)) and training ([lesson 8](08_training.ipynb)).

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "infer/analysis/attention_maps.h"
#include "infer/analysis/head_importance.h"
#include "infer/analysis/head_patterns.h"
#include "infer/analysis/induction.h"
#include "infer/analysis/influence.h"
#include "models/bert/bert_task.h"
#include "models/gpt/gpt.h"
#include "models/layers/block.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/loop/schedule.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(14);

// %% [markdown]
// ## By hand: the score of a pattern
//
// An attention map has a row for each query and a column for each key. "It looks at the previous
// token" is a sentence about one line of it, left of the diagonal. To turn it into a number,
// compare the share of attention on that line with the share that a head has there if it sees all
// keys alike:
//
// $$\mathrm{score} = \frac{\mathrm{share} - \mathrm{even}}{1 - \mathrm{even}}$$
//
// | symbol | holds | shape |
// |---|---|---|
// | $A$ | a head's weights, each row sums to 1 | $[T, S]$ |
// | share | mean of $A$ on the pattern, over queries that see two keys or more | $[\,]$ |
// | even | the same for a head that sees all keys alike | $[\,]$ |
//
// Four tokens, a causal mask. A head gives half of its attention to the previous token and spreads
// the other half evenly. On the line it has $\tfrac12 + \tfrac14$, $\tfrac12 + \tfrac16$ and
// $\tfrac12 + \tfrac18$, on average 0.681; an even head has $\tfrac12$, $\tfrac13$, $\tfrac14$, on
// average 0.361. What is the score? Clark et al. 2019
// ([arXiv:1906.04341](https://arxiv.org/abs/1906.04341), §3) name such heads in BERT, Kovaleva et
// al. 2019 ([arXiv:1908.08593](https://arxiv.org/abs/1908.08593), Figure 1) show the shapes.

// %%
const auto may_attend = torch::ones({4, 4}, torch::kBool).tril();          // [T, S]
const auto even = may_attend.to(torch::kFloat) / may_attend.sum(1, true);  // [T, S]
const auto previous = torch::diag(torch::ones(3), -1);                     // [T, S]
const auto half_previous = torch::cat({even[0].unsqueeze(0), ((previous + even) / 2).slice(0, 1)});
const auto four = zoo::score_head(half_previous, may_attend);
nb::print(fmt::format("offset {:+d}: score {:.3f}\n", four.by, four.offset));
nb::claim("half of the attention on the previous token: its score, by hand and by the zoo",
          four.offset, nb::near((0.68056 - 0.36111) / (1 - 0.36111), 1e-4));
nb::refute("a head that sees all keys alike has a score as well",
           zoo::score_head(even, may_attend).offset, nb::at_least(0.1));

// %% [markdown]
// ## Five jobs, five maps
//
// A model with one layer and one head reads twelve letters, in two segments of six. You train it
// five times, each time for another job. For every position it must say
//
// - *itself*: the letter that stands there;
// - *previous*: the letter before;
// - *backwards*: the letter as far from the other end;
// - *first*: the first letter of all;
// - *topic*: the letter that is most frequent in its own segment.
//
// Sketch the five maps before you run the cells.

// %%
template <class Model, class Loss>
void train(Model& model, const std::string& name, int64_t steps, double rate, const Loss& loss) {
  zoo::AdamW optimizer(*model, {.beta2 = 0.98, .weight_decay = 0.0});
  const zoo::ScheduleOptions schedule{.warmup_steps = steps / 10, .steps = steps};
  for (int64_t step = 0; step < steps; ++step) {
    optimizer.zero_gradients();
    const zoo::TokenLoss batch = loss();
    batch.sum.backward();
    optimizer.step(rate * zoo::schedule_factor(schedule, step), batch.tokens);
    nb::progress(name, step + 1, steps);
  }
}

// %%
constexpr int64_t kLetters = 8, kLength = 12, kCut = 6;
struct Examples {
  torch::Tensor letters, wanted;  // [B, T]
};
Examples examples_of(const std::string& job, int64_t count) {
  const auto x = torch::randint(kLetters, {count, kLength}, torch::kLong);
  if (job == "itself") return {x, x};
  if (job == "previous") {
    auto wanted = x.roll(1, 1);
    wanted.select(1, 0).fill_(zoo::kIgnored);
    return {x, wanted};
  }
  if (job == "backwards") return {x, x.flip(1)};
  if (job == "first") return {x, x.slice(1, 0, 1).expand_as(x).contiguous()};
  const auto topic =  // of each segment: half of its letters are that
      torch::randint(kLetters, {count, 2}, torch::kLong).repeat_interleave(kCut, 1);
  return {torch::where(torch::rand(x.sizes()).lt(0.5), topic, x), topic};
}

// %%
zoo::BertTaskModel one_head() {
  zoo::BertOptions o;
  o.vocab_size = kLetters, o.context = kLength;
  o.layers = o.heads = 1, o.d_model = o.feed_forward = 32;
  o.norm_place = zoo::NormPlace::kPre, o.dropout = o.attention_dropout = 0, o.init_std = 0.2;
  return zoo::BertTaskModel(
      zoo::BertTaskOptions{.bert = o, .task = zoo::BertTask::kClassifyTokens, .labels = kLetters});
}
zoo::LabelledTokens labelled(const torch::Tensor& letters) {
  zoo::LabelledTokens text;
  for (int64_t t = 0; t < kLength; ++t) {
    text.ids.push_back(letters[t].item<int64_t>());
    text.labels.push_back(fmt::format("{}", t));
    text.segments.push_back(t / kCut);
  }
  return text;
}
struct Learned {
  zoo::AttentionMap map;
  double right = 0, without = 0;  // share of answers; the same without the head
};

// %%
Learned learn(const std::string& job) {
  zoo::BertTaskModel model = one_head();
  const auto segments = torch::arange(2).repeat_interleave(kCut).unsqueeze(0);  // [1, T]
  const auto scores = [&](const torch::Tensor& x) {                             // [B, T, letters]
    return model->class_logits(model->bert->forward(x, {.segments = segments.expand_as(x)}));
  };
  train(model, job, 200, 1e-2, [&] {
    const auto e = examples_of(job, 32);
    return zoo::token_loss(scores(e.letters), e.wanted);
  });
  const auto test = examples_of(job, 200);
  const auto text = labelled(test.letters[0]);
  const auto right = [&] {
    return zoo::correct_tokens(scores(test.letters), test.wanted).item<double>() /
           zoo::count_targets(test.wanted).item<double>();
  };
  Learned result{zoo::attention_maps(*model->bert, text).maps.front(), right()};
  const torch::NoGradGuard no_grad;
  model->bert->blocks->at<zoo::BlockImpl>(0).attention->out_proj->weight.zero_();
  result.without = right();
  return result;
}

// %%
std::vector<torch::Tensor> weights;
std::vector<zoo::HeadScores> found;
std::vector<std::vector<std::string>> named;
std::vector<double> without;
for (const std::string job : {"itself", "previous", "backwards", "first", "topic"}) {
  const Learned learned = learn(job);
  weights.push_back(learned.map.layers[0][0]);  // [T, T]
  without.push_back(learned.without);
  found.push_back(zoo::score_head(weights.back(), learned.map.may_attend));
  named.push_back({job, fmt::format("{:.2f}", learned.right),
                   fmt::format("{:.2f}", learned.without), zoo::describe(found.back(), learned.map),
                   fmt::format("{:.2f}", found.back().score()),
                   fmt::format("{:.2f}", found.back().entropy)});
}
nb::table({"job", "right", "without the head", "pattern", "score", "entropy in bits"}, named);

// %% [markdown]
// Question 37. In the picture, from left to right: no pattern, a line beside the diagonal, a line
// that runs against it, a column, two squares (with a darker diagonal: the residual brings the token
// itself). The score names the last four. And the first? The residual already carries a token to its
// own place (lesson 5), so that job needs no head. Its head has a map all the same, and the column
// "without the head" says what that map is worth. (No model can get all topics: in some segments
// another letter is as frequent.)

// %%
nb::show(torch::stack(weights),
         {.title = "itself, previous, backwards, first, topic: find the lines, then the squares",
          .rows = "Query",
          .columns = "Key",
          .low = 0,
          .high = 1});
nb::print(
    fmt::format("offset {:+d}: {:.2f}; anti-diagonal: {:.2f}; vertical: {:.2f}; block: "
                "{:.2f}, cut at {}\n",
                found[1].by, found[1].offset, found[2].anti_diagonal, found[3].vertical,
                found[4].block, found[4].cut));
nb::claim("previous, backwards, first: the lowest score (seed 14)",
          std::min({found[1].score(), found[2].score(), found[3].score()}), nb::at_least(0.95));
nb::claim("topic: a block, cut between the segments",
          found[4].pattern == zoo::HeadPattern::kBlock && found[4].cut == kCut);
nb::refute("whoever copies each token looks at it (diagonal)", found[0].diagonal,
           nb::at_least(zoo::kNamedFrom));
nb::claim("itself: right without the head (share, seed 14)", without[0], nb::at_least(0.9));
nb::refute("previous: the same", without[1], nb::at_least(0.9));

// %% [markdown]
// ## A job that needs two layers
//
// Random tokens that come twice: `17 4 9 ... 17 4 ?`. To know that 9 comes next, find the earlier 4
// *and take what came after it*. How far back it lies changes from text to text, so a fixed line
// does not help. The known solution takes two layers: a head of layer 0 tells each token which one
// came before it; then a head of layer 1 looks for the token that says "before me came a 4". Olsson
// et al. 2022 ([arXiv:2209.11895](https://arxiv.org/abs/2209.11895)) call this an induction head.
//
// You train four heads in each layer, with periods from 8 to 16. Only the second time counts: the
// first is random, and a model that was never asked does worse there than a guess, 5 bits. The
// negative control has one layer.

// %%
constexpr int64_t kVocabulary = 32, kContext = 32;
torch::Tensor repeated(int64_t count, int64_t period) {
  const auto once = torch::randint(kVocabulary, {count, period}, torch::kLong);
  return once.repeat({1, kContext / period + 1}).slice(1, 0, kContext).contiguous();  // [B, T]
}
zoo::TokenLoss second_time_loss(zoo::Gpt& gpt, const torch::Tensor& text, int64_t period) {
  auto wanted = text.slice(1, 1).clone();  // [B, T - 1]
  wanted.slice(1, 0, period).fill_(zoo::kIgnored);
  return zoo::token_loss(gpt(text.slice(1, 0, -1)), wanted);
}
zoo::Gpt repeater_of(int64_t layers) {
  zoo::GptOptions o;
  o.vocab_size = kVocabulary, o.context = kContext;
  o.layers = layers, o.heads = 4, o.d_model = o.feed_forward = 64;
  o.position = zoo::PositionKind::kRotary, o.tie_embeddings = false, o.init_std = 0.1;
  return zoo::Gpt(o);
}

// %%
zoo::Gpt trained_repeater(int64_t layers) {
  zoo::Gpt gpt = repeater_of(layers);
  train(gpt, fmt::format("layers: {}", layers), 600, 5e-3, [&] {
    const int64_t period = torch::randint(8, 17, {1}).item<int64_t>();
    return second_time_loss(gpt, repeated(32, period), period);
  });
  gpt->eval();
  return gpt;
}
zoo::Gpt gpt = trained_repeater(2), shallow = trained_repeater(1);
const auto induction = zoo::induction_scores(*gpt, /*length=*/12, /*sequences=*/20, /*seed=*/1);
const auto flat = zoo::induction_scores(*shallow, 12, 20, 1);
nb::print(fmt::format("bits a token: {:.2f} the first time, {:.2f} the second; one layer: {:.2f}\n",
                      induction.first_loss, induction.second_loss, flat.second_loss));
nb::claim("loss the second time, in bits (seed 14)", induction.second_loss, nb::at_most(0.3));
nb::refute("the same the first time", induction.first_loss, nb::at_most(0.3));
nb::refute("one layer does it as well (bits the second time)", flat.second_loss, nb::at_most(1));

// %%
zoo::LabelledTokens text;
const auto shown = repeated(1, 12)[0].slice(0, 0, 24);
for (int64_t t = 0; t < 24; ++t) {
  text.ids.push_back(shown[t].item<int64_t>());
  text.labels.push_back(fmt::format("{}", text.ids.back()));
}
const auto maps = zoo::attention_maps(*gpt, text);
const auto& map = maps.at("self");
const auto rows = zoo::score_heads(map);
std::vector<std::vector<std::string>> heads;
for (const auto& row : rows)
  heads.push_back({fmt::format("{}.{}", row.layer, row.head), zoo::describe(row.scores, map),
                   fmt::format("{:.2f}", row.scores.score()),
                   fmt::format("{:.2f} of {:.2f}", row.scores.entropy, row.scores.most_entropy),
                   fmt::format("{}.{} ({:.2f})", row.like_layer, row.like_head, row.likeness)});
nb::table({"layer.head", "pattern", "score", "entropy in bits", "most like"}, heads);

// %% [markdown]
// Look at layer 0 first: bright cells beside the diagonal, the previous token. Then at layer 1: from
// query 12 on, a line eleven places back. Eleven, not twelve: one *after* the first occurrence. The
// score of induction asks for exactly that line, on twenty new texts.
//
// A block in layer 0 is a by-product: a head that looks near stays on its side of most cuts. A name
// is a summary of a map, not of a purpose.

// %%
for (size_t n : {0, 1})
  nb::show(map.layers[n], {.title = fmt::format("Layer {}, heads 0 to 3", n),
                           .rows = "Query",
                           .columns = "Key",
                           .low = 0,
                           .high = 1});
double before = 0, after = 0;
for (const auto& row : rows) {
  if (row.layer == 0 && row.scores.by == -1) before = std::max(before, row.scores.offset);
  if (row.layer == 1 && row.scores.by == -11) after = std::max(after, row.scores.offset);
}
nb::print(fmt::format("offset -1 in layer 0: {:.2f}; offset -11 in layer 1: {:.2f}\n", before,
                      after));
nb::claim("layer 0: best score of offset -1 (seed 14)", before, nb::at_least(0.4));
nb::claim("layer 1: best score of offset -11 (seed 14)", after, nb::at_least(0.45));
nb::claim("layer 1: best score of induction (seed 14)", induction.heads[1].max().item<double>(),
          nb::at_least(0.6));
nb::refute("layer 0 has an induction head", induction.heads[0].max().item<double>(),
           nb::at_least(0.1));

// %% [markdown]
// ## Which heads matter?
//
// Put a gate $\xi_h$ on the output of each head, 1 in the trained model. Two measures:
//
// - **ablation**: how much the loss grows if the gate closes, $L(\xi_h = 0) - L$;
// - **gradient**: $I_h = \mathbb E\,\lvert \partial L / \partial \xi_h \rvert$ at $\xi_h = 1$
//   (Michel et al. 2019, [arXiv:1905.10650](https://arxiv.org/abs/1905.10650), Eq. 2): one backward
//   pass for all heads together.

// %%
std::vector<zoo::NamedAttention> layers;
for (size_t n = 0; n < gpt->blocks->size(); ++n)
  layers.push_back({fmt::format("layer {}", n),
                    gpt->blocks->at<zoo::BlockImpl>(n).attention.get()});
std::vector<zoo::ExampleLoss> examples;
for (int64_t period = 8; period <= 16; ++period) {
  const auto batch = repeated(8, period);
  examples.push_back([&gpt, batch, period] {
    const zoo::TokenLoss loss = second_time_loss(gpt, batch, period);
    return loss.sum / loss.tokens;
  });
}
const zoo::HeadImportance importance = zoo::head_importance(layers, examples);
std::vector<std::vector<std::string>> costs;
for (int64_t n = 0; n < 8; ++n)
  costs.push_back({fmt::format("{}.{}", n / 4, n % 4),
                   fmt::format("{:.3f}", importance.gradient[n / 4][n % 4].item<double>()),
                   fmt::format("{:+.3f}", importance.ablation[n / 4][n % 4].item<double>())});
nb::table({"layer.head", "gradient", "loss without it, nats more"}, costs);

// %% [markdown]
// Now leave out one head after the other, the least important first. Look at where the curves leave
// the floor, and compare with your second guess.

// %%
std::vector<double> left_out(9);
std::iota(left_out.begin(), left_out.end(), 0.0);
const auto& pruned = importance.by_ablation.losses;
nb::plot({{.label = "by ablation", .x = left_out, .y = pruned},
          {.label = "by gradient", .x = left_out, .y = importance.by_gradient.losses}},
         {.title = "Pruning: the first head is nearly free, four are not",
          .x = "heads left out",
          .y = "loss in nats",
          .y_from_zero = true});
double sum = 0;
for (size_t n = 0; n < 4; ++n)
  sum +=
      importance
          .ablation[importance.by_ablation.heads[n].first][importance.by_ablation.heads[n].second]
          .item<double>();
const double together = pruned[4] - pruned[0];
nb::print(fmt::format("four heads: {:.2f} nats one at a time, {:.2f} together\n", sum, together));

// %% [markdown]
// Question 39. A head is *dead* if nothing is lost without it. It is *redundant* if others do the
// same, and then leaving it out alone shows little: the others stand in, and near its floor the loss
// is flat. Four cheap heads are dear together. A list of single costs cannot tell you which heads
// stand in for each other, nor can gradients: neither order of pruning is the best one. Similarity
// gives a hint: 1 minus the Jensen-Shannon divergence of two heads' weights.

// %%
nb::claim("the least important head: nats more without it (seed 14)",
          importance.ablation.min().item<double>(), nb::at_most(0.1));
nb::claim("the most important one (seed 14)", importance.ablation.max().item<double>(),
          nb::at_least(0.25));
nb::claim("four heads together / the sum of their single costs (seed 14)", together / sum,
          nb::at_least(2));
const auto alike = zoo::head_similarity(map);  // [8, 8]
nb::show(alike, {.title = "Similar heads: the squares at the ends of the diagonal are the layers",
                 .rows = "Head, layer by layer",
                 .columns = "Head",
                 .low = 0,
                 .high = 1});
const auto later = alike.slice(0, 4).slice(1, 4);  // [4, 4]: of layer 1
const double twins = (later - torch::eye(4)).max().item<double>();
nb::print(fmt::format("the two most similar heads of layer 1: {:.2f}\n", twins));
nb::claim("the two most similar heads of layer 1 (seed 14)", twins, nb::at_least(0.8));

// %% [markdown]
// ## Where it breaks: a slope is not a step
//
// If the loss were linear in the gate, closing it would cost what the gradient says. Compare them
// for the head that matters most. At $\xi_h = 1$ training has made the loss nearly flat; the wall
// comes later. Use the gradient to order many heads cheaply, not to say what one costs, and check
// with an ablation. The order can be wrong, too: compare the two columns of the table above.

// %%
const int64_t worst = importance.ablation.argmax().item<int64_t>();
const double step = importance.ablation.flatten()[worst].item<double>();
const double slope = importance.gradient.flatten()[worst].item<double>();
nb::print(fmt::format("head {}.{}: the gradient says {:.3f} nats, the ablation {:.3f}\n", worst / 4,
                      worst % 4, slope, step));
nb::refute("the most important head costs what its gradient says (ratio)", step / slope,
           nb::between(0.5, 2));

// %% [markdown]
// ## Which training examples matter?
//
// A probe reads the GPT's hidden state $x$ in the second half and says whether the next token is
// below 16: two rows of weights $w$ $[2, C]$, a softmax, the loss $\ell$ of the right class, plus
// weight decay. It has 100 training examples, and the labels of the first eight are wrong. What
// would a test loss be without example $i$? Koh and Liang 2017
// ([arXiv:1703.04730](https://arxiv.org/abs/1703.04730), Eq. 2) answer without training again:
//
// $$\Delta \ell_{test} \approx \tfrac1N\, g_{test}^\top H^{-1} g_i$$
//
// with the gradients $g$ $[2C]$ and the Hessian $H$ $[2C, 2C]$ of the training loss at its minimum.
// The probe is convex, so you can check it: 100 times, leave one out and fit again. `zoo::influence`
// is the formula, `zoo::leave_one_out` is the check; `look_inside influence --method head` does both
// for a file of your own.

// %%
struct Probe {
  zoo::LabelledFeatures examples;  // x [N, C], y [N]: 1 for a next token below 16
  torch::Tensor token;             // [N]
};
Probe probe_of(zoo::Gpt& gpt, int64_t count) {
  const torch::NoGradGuard no_grad;
  const auto texts = repeated(count, 12);                         // [N, T]
  const auto at = torch::randint(12, 24, {count}, torch::kLong);  // [N]
  const auto row = torch::arange(count);
  const auto x = gpt->hidden(texts).index({row, at}).to(torch::kDouble);  // [N, C]
  const auto token = texts.index({row, at + 1});                          // [N]
  return {{x / x.norm(2, 1, true), token.lt(kVocabulary / 2).to(torch::kLong)}, token};
}
double correlation(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::corrcoef(torch::stack({a.flatten(), b.flatten()}))[0][1].item<double>();
}

// %%
constexpr double kDecay = 0.006;
auto [training, training_token] = probe_of(gpt, 100);
const auto [fresh, fresh_token] = probe_of(gpt, 200);
training.y.slice(0, 0, 8).sub_(1).neg_();  // wrong labels: 1 - y
const zoo::FittedHead head{zoo::fit_logistic(training, {.decay = kDecay}), kDecay};  // [2, C]
const auto predicted = zoo::influence(head, training, fresh);                        // [M, N]
const auto retrained = zoo::leave_one_out(head, training, fresh);                    // [M, N]
const auto own = zoo::logistic_gradients(training, head.weights);                    // [N, 2C]
const auto test = zoo::logistic_gradients(fresh, head.weights);                      // [M, 2C]

// %% [markdown]
// Question 38. The picture is one test answer: the training examples in the order of their predicted
// influence. Look whether the curves part at the ends. The negative control leaves out $H^{-1}$: it
// calls those examples important whose gradients are similar.
//
// And which examples are they? Over 200 answers, see how often the most influential one has the same
// next token, and how many of the eight wrong labels are among the eight examples that harm most.

// %%
const auto order = predicted[0].argsort();
nb::Line by_formula{.label = "predicted", .x = {}, .y = {}},
    by_fit{.label = "fitted again", .x = {}, .y = {}};
for (int64_t n = 0; n < 100; ++n) {
  for (auto* line : {&by_formula, &by_fit}) line->x.push_back(static_cast<double>(n));
  by_formula.y.push_back(predicted[0][order[n]].item<double>());
  by_fit.y.push_back(retrained[0][order[n]].item<double>());
}
nb::plot({by_formula, by_fit}, {.title = "One answer: what leaving out each example does",
                                .x = "example, by prediction",
                                .y = "change of the loss in nats"});
const auto same = training_token.index({predicted.abs().argmax(1)}).eq(fresh_token);  // [M]
const auto harmful = predicted.mean(0).argsort().slice(0, 0, 8);
nb::print(fmt::format("this answer: correlation {:.3f}; wrong labels among the eight: {}\n",
                      correlation(predicted[0], retrained[0]),
                      harmful.lt(8).sum().item<int64_t>()));
nb::claim("influence and retraining, 20000 pairs: correlation (seed 14)",
          correlation(predicted, retrained), nb::at_least(0.98));
nb::refute("the same without the Hessian", correlation(own.matmul(test.t()).t(), retrained),
           nb::at_least(0.95));
nb::claim("the most influential example has the same next token (share, seed 14; chance 0.03)",
          same.to(torch::kDouble).mean().item<double>(), nb::at_least(0.35));
nb::claim("wrong labels among the eight most harmful (seed 14; chance 0.6)",
          harmful.lt(8).sum().item<double>(), nb::at_least(2));

// %% [markdown]
// For a whole network the loss is not convex, $H$ must be approximated, and retraining lands in
// another minimum; what this cell shows holds for the probe.
//
// ## What you have measured
//
// | claim | question |
// |---|---|
// | jobs leave lines, columns and blocks in the map, and a score names them | 37 |
// | a head that its job does not need has a map as well | 37 |
// | this model repeats with the previous token in layer 0 and induction in layer 1 | 37 |
// | influence predicts leaving one out, and needs the Hessian | 38 |
// | heads stand in for each other: four cost more than the sum of each | 39 |
// | a gate's gradient is not the cost of closing it | 39 |
//
// What happens when a model trains without some of its heads is [lesson 16](16_regularisation.ipynb).
//
// ## Try it
//
// 1. *By hand*: let the head give all of its attention to the first key. Predict the scores `vertical`
//    and `offset`.
// 2. *Five jobs*: add the job "two before". Which pattern, which `by`?
// 3. *A job that needs two layers*: train with one period only, 12 (`randint(12, 13, {1})`). What
//    does one layer reach now, and which line do its heads show?
// 4. *Which heads matter?*: count two heads instead of four in the sum and in `together`. Is the
//    ratio larger or smaller? At which number do you expect 1?
// 5. *Which training examples matter?*: make `kDecay` a hundred times smaller. Does the correlation
//    rise or fall? What does $H^{-1}$ do then?
//
// **Next**: [15. Theory](15_theory.ipynb): what transformers can compute at all.
