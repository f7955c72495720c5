// %% [markdown]
// # 16. Regularisation: layers and heads that are missing
//
// A network that is large enough learns its training examples by heart, wrong ones included.
// Dropout takes single numbers away so that no number can be relied upon. This lesson takes away
// more at a time: whole layers (stochastic depth) and whole heads (DropHead). A third remedy takes
// nothing away and asks heads to differ.
//
// **Before you read on, write down two guesses.** A model sees 128 examples, of which one in eight
// has a wrong label: how often is it right on these examples after a hundred passes? And which
// helps more on new examples: to miss layers, to miss heads, or to have heads that differ?
//
// You need the layer ([lesson 5](05_the_layer.ipynb)) and heads
// ([lesson 3](03_masks_and_heads.ipynb)).

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/attention/head_regularisation.h"
#include "models/gpt/gpt.h"
#include "models/layers/auxiliary_losses.h"
#include "models/layers/drop_path.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"

// %% [markdown]
// ## By hand, on two heads
//
// DropHead (Zhou et al. 2020, arXiv:2004.13342) throws a coin for each head of each example. With
// $p = 1/2$ and two heads, all four results are equally probable. A head that is kept alone counts
// twice, so that the layer's output keeps its size:
//
// | kept | gate of head 1 | gate of head 2 |
// |---|---|---|
// | both | 1 | 1 |
// | head 1 | 2 | 0 |
// | head 2 | 0 | 2 |
// | none | ? | ? |
//
// An example without any head would lose the layer. The zoo then keeps one head, each with the same
// probability. So head 1 has the gate 2 in $1/4 + 1/8 = 3/8$ of all examples, and its mean is
// $1 \cdot 1/4 + 2 \cdot 3/8 = 1$: evaluation, with all heads, needs no correction.

// %%
torch::manual_seed(16);
const auto gates = zoo::draw_head_gate(40000, 2, 0.5, torch::kCPU);  // [B, H]
nb::show(gates.slice(0, 0, 24).t(), {.title = "Gates of 24 examples: no column is dark throughout",
                                     .rows = "Head",
                                     .columns = "Example"});
const auto share = [](const torch::Tensor& holds) {
  return holds.to(torch::kDouble).mean().item<double>();
};
nb::claim("Share of examples in which head 1 counts twice", share(gates.select(1, 0).eq(2)),
          nb::near(3.0 / 8, 0.015));
nb::claim("Mean gate of head 1", gates.select(1, 0).mean().item<double>(), nb::near(1, 0.025));
nb::claim("Examples without any head", share(gates.sum(1).eq(0)), nb::at_most(0));
const auto coins = torch::rand({40000, 2}).ge(0.5).to(torch::kFloat);  // may drop both
const auto careless = coins * (2 / coins.sum(1, true).clamp_min(1));
nb::refute("Mean gate of head 1 where an example may lose both",
           careless.select(1, 0).mean().item<double>(), nb::near(1, 0.025));

// %% [markdown]
// ## The formulas
//
// | | in training | in evaluation |
// |---|---|---|
// | stochastic depth (Huang et al. 2016, arXiv:1603.09382, §3) | $x + \frac{b}{1 - p_l} f(x)$, $b \in \{0, 1\}$ for each example, $p_l$ growing linearly from zero | $x + f(x)$ |
// | DropHead | $\mathrm{gate}_h = m_h \frac{H}{\sum_i m_i}$, $m_h \in \{0, 1\}$ for each example | $\mathrm{gate}_h = 1$ |
// | head diversity (Li et al. 2018, arXiv:1810.10183, disagreement on outputs) | loss $+ \lambda \frac{1}{H^2} \sum_{i,j} \cos(o_i, o_j)$, a mean over positions and layers | nothing |
//
// | tensor | shape |
// |---|---|
// | heads' outputs $o$ | $[B, H, T, D_h]$ |
// | gates | $[B, H]$ |
//
// In the zoo they are three options of every model: `drop_path`, `head_dropout` and
// `head_diversity`.
//
// Two heads say (3, 4) and (4, 3): their cosine is 24/25, and the penalty
// $(1 + 24/25 + 24/25 + 1) / 4 = 0.98$. Identical heads give 1. What is the least that it can be?
// Not orthogonal heads: they still agree with themselves, $1/H$. Since the double sum is the square
// of a sum, $|\sum_i o_i / |o_i||^2 / H^2$, the least is 0: heads that cancel.

// %%
const auto similarity_of = [](const torch::Tensor& two) {  // [H, Dh]
  return zoo::head_similarity(two.view({1, 2, 1, 2})).item<double>();
};
const double by_hand = similarity_of(torch::tensor({{3., 4.}, {4., 3.}}));
const double identical = similarity_of(torch::tensor({{3., 4.}, {6., 8.}}));
const double orthogonal = similarity_of(torch::tensor({{3., 4.}, {-4., 3.}}));
const double opposite = similarity_of(torch::tensor({{3., 4.}, {-3., -4.}}));
nb::table({"(3, 4) and", "penalty"}, {{"(4, 3)", fmt::format("{:.2f}", by_hand)},
                                      {"(6, 8)", fmt::format("{:.2f}", identical)},
                                      {"(-4, 3)", fmt::format("{:.2f}", orthogonal)},
                                      {"(-3, -4)", fmt::format("{:.2f}", opposite)}});
nb::claim("Penalty of (3, 4) and (4, 3)", by_hand, nb::near(0.98, 1e-6));
nb::claim("Penalty of identical heads", identical, nb::near(1, 1e-6));
nb::refute("Orthogonal heads have the least penalty", orthogonal - opposite, nb::at_most(0.1));

// %% [markdown]
// ## A model that learns labels by heart
//
// Words of eight letters. The twelve letters belong to three groups, and the label of a word is the
// group with most letters in it. One label in five is then drawn at random, so that about 13% are
// wrong, for training and for testing. 128 words to learn from, 2000 to test with, a GPT of six
// layers and four heads.

// %%
constexpr int64_t kLetters = 12, kLength = 8, kGroups = 3, kExamples = 128;

struct Words {
  torch::Tensor letters, labels, right;  // [N, T], [N], [N]: labels without the wrong ones
};
Words draw_words(int64_t count) {
  const auto letters = torch::randint(kLetters, {count, kLength}, torch::kLong);
  const auto groups = letters.div(kLetters / kGroups, "floor");              // [N, T]
  const auto counts = torch::one_hot(groups, kGroups).sum(1);                // [N, G]
  const auto right = (kGroups * counts - torch::arange(kGroups)).argmax(1);  // ties: the first
  const auto drawn = torch::randint(kGroups, {count}, torch::kLong);
  return {letters, torch::where(torch::rand({count}).lt(0.2), drawn, right), right};
}

/// The last position's logits of the groups, which are tokens after the letters: [N, G].
torch::Tensor group_logits(zoo::Gpt& gpt, const torch::Tensor& letters) {
  const auto last = gpt->hidden(letters).select(1, kLength - 1);  // [N, C]
  return gpt->logits_of(last).narrow(1, kLetters, kGroups);
}
torch::Tensor loss_on(zoo::Gpt& gpt, const torch::Tensor& letters, const torch::Tensor& labels) {
  return torch::cross_entropy_loss(group_logits(gpt, letters), labels);
}

// %%
/// What is added to the plain model.
struct Remedy {
  std::string name;
  double drop_path = 0.0, head_dropout = 0.0, head_diversity = 0.0;
};

struct Outcome {
  double training_loss = 0, test_loss = 0, training_right = 0, right = 0, similarity = 0;
  std::vector<double> steps, curve;  // of the test loss
  double gap() const { return test_loss - training_loss; }
};

/// How much the heads of a trained model agree, all of them there: the mean over layers.
double agreement(zoo::Gpt& gpt, const torch::Tensor& letters) {
  for (const auto& block : *gpt->blocks) {
    auto& options = block->as<zoo::BlockImpl>()->options;
    options.drop_path = 0;
    auto& attention = block->as<zoo::BlockImpl>()->attention->options;
    attention.head_dropout = 0, attention.head_diversity = 1;
  }
  gpt->train();
  const zoo::AuxiliaryLosses auxiliary;  // takes what the layers add
  gpt->hidden(letters);
  return auxiliary.means().at("head_similarity");
}

// %%
Outcome trained(const Remedy& remedy, int64_t seed) {
  constexpr int kSteps = 100;
  torch::manual_seed(seed);
  const Words training = draw_words(kExamples), test = draw_words(2000);
  zoo::GptOptions o;
  o.vocab_size = kLetters + kGroups, o.context = kLength;
  o.layers = 6, o.d_model = 24, o.heads = 4, o.init_std = 0.1;
  o.drop_path = remedy.drop_path;
  o.head_dropout = remedy.head_dropout;
  o.head_diversity = remedy.head_diversity;
  zoo::Gpt gpt(o);
  zoo::AdamW optimizer(*gpt, {.weight_decay = 0});
  torch::manual_seed(100 + seed);
  Outcome outcome;
  for (int step = 1; step <= kSteps; ++step) {
    const auto rows = torch::randint(kExamples, {kExamples / 2}, torch::kLong);
    const zoo::AuxiliaryLosses auxiliary;  // the penalty joins this backward pass
    loss_on(gpt, training.letters.index({rows}), training.labels.index({rows})).backward();
    const double left = 1.0 - (step - 1.0) / kSteps;  // the rate falls to 0
    optimizer.step(5e-3 * std::min(left, step / 20.0));
    optimizer.zero_gradients();
    if (step % 20 != 0) continue;
    const torch::NoGradGuard no_grad;
    gpt->eval();
    outcome.steps.push_back(step);
    outcome.curve.push_back(loss_on(gpt, test.letters, test.labels).item<double>());
    gpt->train();
  }
  gpt->eval();
  {
    const torch::NoGradGuard no_grad;
    outcome.training_loss = loss_on(gpt, training.letters, training.labels).item<double>();
    outcome.test_loss = outcome.curve.back();
    const auto share_of = [](const torch::Tensor& logits, const torch::Tensor& labels) {
      return logits.argmax(1).eq(labels).to(torch::kDouble).mean().item<double>();
    };
    outcome.training_right = share_of(group_logits(gpt, training.letters), training.labels);
    outcome.right = share_of(group_logits(gpt, test.letters), test.right);
  }
  outcome.similarity = agreement(gpt, test.letters.slice(0, 0, 200));
  return outcome;
}

// %% [markdown]
// Four models: plain, and with one remedy each. Five seeds each: a difference between two runs of
// one seed says little, since the data are as random as the remedy. This cell takes most of a
// minute.

// %%
const std::vector<Remedy> remedies = {{.name = "none"},
                                      {.name = "stochastic depth 0.5", .drop_path = 0.5},
                                      {.name = "DropHead 0.5", .head_dropout = 0.5},
                                      {.name = "head diversity 0.3", .head_diversity = 0.3}};
constexpr int64_t kSeeds = 5;
std::vector<std::vector<Outcome>> outcomes(remedies.size());
for (size_t r = 0; r < remedies.size(); ++r) {
  for (int64_t seed = 1; seed <= kSeeds; ++seed) {
    outcomes[r].push_back(trained(remedies[r], seed));
    nb::progress("training", static_cast<int64_t>(r) * kSeeds + seed, 4 * kSeeds);
  }
}
/// The mean over seeds.
const auto mean_of = [&](size_t remedy, auto value) {
  double sum = 0;
  for (const Outcome& outcome : outcomes[remedy]) sum += value(outcome);
  return sum / kSeeds;
};

// %%
std::vector<std::vector<std::string>> rows;
std::vector<nb::Line> curves;
for (size_t r = 0; r < remedies.size(); ++r) {
  nb::Line curve{.label = remedies[r].name, .x = outcomes[r][0].steps, .y = {}};
  for (size_t n = 0; n < curve.x.size(); ++n)
    curve.y.push_back(mean_of(r, [n](const Outcome& o) { return o.curve[n]; }));
  curves.push_back(curve);
  rows.push_back({remedies[r].name});
  const auto cell = [&](auto value) {
    rows.back().push_back(fmt::format("{:.2f}", mean_of(r, value)));
  };
  cell([](const Outcome& o) { return o.training_loss; });
  cell([](const Outcome& o) { return o.test_loss; });
  cell([](const Outcome& o) { return o.gap(); });
  cell([](const Outcome& o) { return o.training_right; });
  cell([](const Outcome& o) { return o.right; });
  cell([](const Outcome& o) { return o.similarity; });
}
nb::plot(curves, {.title = "Test loss while training: whose curve rises least?",
                  .x = "step",
                  .y = "loss on new words",
                  .y_from_zero = true});
nb::table({"remedy", "training loss", "test loss", "gap", "training labels right",
           "test words right", "heads agree"},
          rows);

// %% [markdown]
// Question 40. *What do stochastic depth and DropHead do?* The plain model overfits: it is right on
// nearly all training labels, also on wrong ones (the rule alone is right on 87%), and
// its loss on new words rises while it trains. The *generalisation gap* is the test loss minus the
// training loss. Both remedies make it smaller, DropHead by more: it takes away about half of the
// heads in every layer, where stochastic depth with $p = 0.5$ takes away a quarter of all
// sub-layers, none of them in the first layer.

// %%
const auto gap = [](const Outcome& outcome) { return outcome.gap(); };
const double plain_gap = mean_of(0, gap);
int better = 0;  // seeds in which DropHead has the lower test loss
for (int64_t n = 0; n < kSeeds; ++n) {
  const auto seed = static_cast<size_t>(n);
  better += outcomes[2][seed].test_loss < outcomes[0][seed].test_loss;
}
nb::claim("Plain: training labels right, wrong ones included (five seeds)",
          mean_of(0, [](const Outcome& o) { return o.training_right; }), nb::at_least(0.93));
nb::claim("Plain: test loss at the end, as a multiple of its least (five seeds)",
          mean_of(0, [](const Outcome& o) { return o.test_loss / std::ranges::min(o.curve); }),
          nb::at_least(1.2));
nb::claim("Stochastic depth: gap, as a multiple of the plain one (five seeds)",
          mean_of(1, gap) / plain_gap, nb::at_most(0.97));
nb::claim("DropHead: gap, as a multiple of the plain one (five seeds)", mean_of(2, gap) / plain_gap,
          nb::at_most(0.85));
nb::claim("DropHead: gap, as a multiple of that with stochastic depth (five seeds)",
          mean_of(2, gap) / mean_of(1, gap), nb::at_most(0.95));
nb::claim("Seeds of five in which DropHead lowers the test loss", better, nb::at_least(4));

// %% [markdown]
// Does a smaller gap mean better answers? Look at the column *test words right*: it hardly moves.
// What the remedies take away is mostly confidence in answers that are wrong. And the penalty? It
// does to the heads what it is asked to, and nothing to the gap. The heads of the plain model agree
// about as much as orthogonal ones, $1/H = 0.25$: here was nothing to mend. Li et al. report a gain
// in translation, with far larger models and data; do not take the result of this cell for theirs.

// %%
const auto words_right = [](const Outcome& outcome) { return outcome.right; };
const auto heads_agree = [](const Outcome& outcome) { return outcome.similarity; };
nb::claim("DropHead: test words right, more than plain (five seeds)",
          mean_of(2, words_right) - mean_of(0, words_right), nb::near(0, 0.06));
nb::claim("Plain: heads agree (five seeds)", mean_of(0, heads_agree), nb::near(0.25, 0.07));
nb::claim("Head diversity: heads agree (five seeds)", mean_of(3, heads_agree), nb::at_most(0.1));
nb::refute("Head diversity: gap, as a multiple of the plain one (five seeds)",
           mean_of(3, gap) / plain_gap, nb::at_most(0.85));

// %% [markdown]
// ## What you have measured
//
// | claim | question |
// |---|---|
// | a gate of DropHead has the mean 1, if no example loses all of its heads | 40 |
// | a plain model learns wrong labels by heart, and its test loss rises | 40 |
// | stochastic depth narrows the gap, DropHead narrows it further | 40 |
// | DropHead lowers confidence in wrong answers; it finds hardly more right ones | 40 |
// | a penalty makes heads differ, and here that changes nothing else | 40 |
//
// ## Try it
//
// 1. *By hand*: what is the mean gate of three heads with $p = 1/2$, where an example may lose all
//    of them? Change `careless` and see.
// 2. *Learning by heart*: give the plain model 2000 words to learn from (`kExamples`, and batches
//    of 64). What remains of the gap, and of the remedies?
// 3. *Five seeds*: compare DropHead with a plain model whose training ends after 40 steps (the
//    lowest point of its curve). Which of the two would you ship?
// 4. *Remedies*: add one with both `drop_path` and `head_dropout`. Is the gap narrower than with
//    either? Predict the training loss first.
// 5. *Remedies*: stochastic depth with $p = 0.9$. Where does it begin to cost test loss?
//
// **Next**: [17. Pictures and words](17_pictures_and_words.ipynb): one space for both.
