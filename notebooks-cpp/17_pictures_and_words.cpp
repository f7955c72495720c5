// %% [markdown]
// # 17. Pictures and words
//
// A classifier knows ten names. CLIP knows sentences: it puts pictures and texts into one space, in
// which a picture lies near the sentences that are true of it. Nobody labels anything; pairs are
// enough. Then Flamingo, which lets a finished language model look at pictures without forgetting
// how to write.
//
// **Before you read on, write down two guesses.** A model is shown 64 pictures and 64 captions and
// knows nothing. How large is its loss? And suppose that the captions of all training pictures were
// mixed up: how often will the trained model find the right caption among 64?
//
// You need lessons 2 and 13. At the end you can write CLIP's loss on paper, classify pictures with
// a list of names, say which patches a word looks at, and add eyes to a decoder that stays as it is.

// %%
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "infer/vision/attention_rollout.h"
#include "models/clip/clip.h"
#include "models/gpt/gpt.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/data/images/coloured_shapes.h"
#include "train/loop/optimizer.h"
#include "train/objectives/contrastive.h"
#include "train/objectives/retrieval.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(17);

// %% [markdown]
// ## By hand: three pairs
//
// Three pictures and three captions, each already a vector of length one in the plane. The cosines
// are dot products. Divide them by the temperature $\tau = 0.5$, and read the matrix twice. Along
// row 0: which of the three captions belongs to picture 0? Down column 0: which of the three
// pictures belongs to caption 0? Each is a classification with the diagonal as the right answer.
// Compute row 0 on paper: the scores are 1.6, 2 and -1.2.

// %%
const double by_hand_images[3][2] = {{1, 0}, {0.6, 0.8}, {0, 1}};
const double by_hand_texts[3][2] = {{0.8, 0.6}, {1, 0}, {-0.6, 0.8}};
const double tau = 0.5;
double score[3][3], loss_of_rows = 0, loss_of_columns = 0;
for (int i = 0; i < 3; ++i)
  for (int j = 0; j < 3; ++j)
    score[i][j] =
        (by_hand_images[i][0] * by_hand_texts[j][0] + by_hand_images[i][1] * by_hand_texts[j][1]) /
        tau;
for (int i = 0; i < 3; ++i) {
  double row = 0, column = 0;
  for (int j = 0; j < 3; ++j) {
    row += std::exp(score[i][j]);
    column += std::exp(score[j][i]);
  }
  loss_of_rows += (std::log(row) - score[i][i]) / 3;
  loss_of_columns += (std::log(column) - score[i][i]) / 3;
  nb::print(fmt::format("picture {}: {:.2f} {:.2f} {:.2f}; -ln p(caption {}) = {:.3f}\n", i,
                        score[i][0], score[i][1], score[i][2], i, std::log(row) - score[i][i]));
}
const double by_hand = (loss_of_rows + loss_of_columns) / 2;
nb::print(fmt::format("rows {:.4f}, columns {:.4f}, mean {:.4f}\n", loss_of_rows, loss_of_columns,
                      by_hand));

// %% [markdown]
// ## The formula
//
// Radford et al. 2021 ([arXiv:2103.00020](https://arxiv.org/abs/2103.00020), §2.3 and Figure 3),
// after InfoNCE (van den Oord et al. 2018, [arXiv:1807.03748](https://arxiv.org/abs/1807.03748),
// Eq. 4). With $s_{ij} = I_i \cdot T_j / \tau$:
//
// $$L = -\frac{1}{2N} \sum_{i} \left( \ln \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}} +
// \ln \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}} \right)$$
//
// | symbol | holds | shape |
// |---|---|---|
// | $I$ | pictures, through a ViT and a projection, of length one | $[N, E]$ |
// | $T$ | captions, through a causal Transformer and a projection, of length one | $[N, E]$ |
// | $s$ | scores; rows are pictures, columns are captions | $[N, N]$ |
//
// If all scores are equal, every row says $1/N$ and the loss is $\ln N$.

// %%
const auto scores_of_three = torch::from_blob(score, {3, 3}, torch::kDouble).clone();
nb::claim("zoo::info_nce_loss and the number by hand differ by",
          std::abs(zoo::info_nce_loss(scores_of_three).item<double>() - by_hand),
          nb::at_most(1e-9));
nb::claim("equal scores of 64 pairs: the loss, less ln 64",
          zoo::info_nce_loss(torch::zeros({64, 64}, torch::kDouble)).item<double>() - std::log(64),
          nb::near(0, 1e-9));

// %% [markdown]
// What does the temperature do? The gradient at a wrong score $s_{ij}$ is its probability, so the
// softmax decides which wrong captions push. Take one picture and five wrong captions with cosines
// from 0.5 down to -0.3. Look at the left end of the picture: one caption does all the pushing.

// %%
const auto wrong = torch::tensor({0.5, 0.3, 0.1, -0.1, -0.3}, torch::kDouble);
std::vector<nb::Line> pushes;
for (int64_t j = 0; j < 5; ++j)
  pushes.push_back({.label = fmt::format("cosine {:.1f}", wrong[j].item<double>()),
                    .x = {},
                    .y = {}});
for (const double t : {0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0}) {
  const auto share = torch::softmax(wrong / t, 0);  // [5]
  for (size_t j = 0; j < 5; ++j) {
    pushes[j].x.push_back(t);
    pushes[j].y.push_back(share[static_cast<int64_t>(j)].item<double>());
  }
}
nb::plot(pushes,
         {.title = "Who pushes: at the left the most similar caption alone, at the right all",
          .x = "temperature",
          .y = "share of the push",
          .log_x = true,
          .y_from_zero = true});
nb::print(fmt::format("share of the most similar: {:.2f} at 0.05, {:.2f} at 5\n", pushes[0].y[1],
                      pushes[0].y.back()));
nb::claim("temperature 0.05: share of the most similar wrong caption", pushes[0].y[1],
          nb::at_least(0.95));
nb::claim("temperature 5: the same (all alike: 0.2)", pushes[0].y.back(), nb::near(0.2, 0.03));

// %% [markdown]
// ## Pictures and captions
//
// The zoo draws coloured shapes for `train_clip`. Put two of them side by side, 16 by 32 pixels, and
// say *red circle left of blue cross*. Four colours of four shapes are 16 things, and $16 \times 16 =
// 256$ combinations. Hold back 64 of them, four for every thing on the left: the model sees these
// combinations in no picture and no caption. The test has new drawings as well.

// %%
const std::vector<std::string>& words() {
  static const std::vector<std::string> list = {"red",    "green",  "blue",     "yellow",
                                                "circle", "square", "triangle", "cross",
                                                "left",   "of",     "[end]"};
  return list;
}
/// A thing is 4 * colour + shape. "red circle left of blue cross [end]": 7 ids
std::vector<int64_t> caption(int64_t left, int64_t right) {
  return {left / 4, 4 + left % 4, 8, 9, right / 4, 4 + right % 4, 10};
}
std::string spell(const torch::Tensor& caption) {
  std::string text;
  for (int64_t t = 0; t + 1 < caption.size(0); ++t)
    text += (t == 0 ? "" : " ") + words()[static_cast<size_t>(caption[t].item<int64_t>())];
  return text;
}
bool held_back(int64_t left, int64_t right) {
  return (left + left / 4 + right + right / 4) % 4 == 0;
}

// %%
using Combinations = std::vector<std::pair<int64_t, int64_t>>;
struct Pairs {
  torch::Tensor pixels, captions, things;  // [N, 3, 16, 32], [N, 7], [N, 2]
};
/// The zoo's shapes of 16 x 16 pixels, 200 of each thing: [16, 200, 3, 16, 16]
torch::Tensor drawn_things(uint64_t seed) {
  const auto made = zoo::coloured_shapes({.image_size = 16, .examples = 16 * 200}, seed);
  return (made.pixels.to(torch::kFloat) / 127.5 - 1).view({200, 16, 3, 16, 16}).transpose(0, 1);
}
Pairs pairs_of(const torch::Tensor& drawn, const Combinations& combinations) {
  std::vector<torch::Tensor> pixels;
  std::vector<int64_t> captions, things;
  for (const auto& [left, right] : combinations) {
    const auto which = torch::randint(200, {2}, torch::kLong);
    pixels.push_back(
        torch::cat({drawn[left][which[0].item<int64_t>()], drawn[right][which[1].item<int64_t>()]},
                   2));  // [3, 16, 32]
    const auto text = caption(left, right);
    captions.insert(captions.end(), text.begin(), text.end());
    things.insert(things.end(), {left, right});
  }
  return {torch::stack(pixels), torch::tensor(captions).view({-1, 7}),
          torch::tensor(things).view({-1, 2})};
}

// %%
const auto drawn = drawn_things(17);
Combinations seen, unseen;
for (int64_t left = 0; left < 16; ++left)
  for (int64_t right = 0; right < 16; ++right)
    (held_back(left, right) ? unseen : seen).emplace_back(left, right);
const auto test = pairs_of(drawn_things(18), unseen);
nb::print(fmt::format("{} combinations to learn from, {} held back, such as: {}\n", seen.size(),
                      unseen.size(), spell(test.captions[3])));
nb::show(test.pixels[3], {.title = "Red, green and blue of a picture: " + spell(test.captions[3]),
                          .rows = "Row",
                          .columns = "Column",
                          .low = -1,
                          .high = 1});

// %% [markdown]
// ## Training two towers
//
// The zoo's `Clip`, made small: a ViT with patches of 4 by 4 (32 tokens) whose output is the mean of
// its patches, a causal Transformer read at *[end]*, and one number for the temperature, which is
// learned as well. Each batch holds 64 different combinations. The last argument mixes the captions
// up before the model sees them: the negative control.

// %%
zoo::ClipOptions clip_options() {
  zoo::ClipOptions o;
  o.image.image_size = 16;
  o.image.image_width = 32;
  o.image.patch_size = 4;
  o.image.channels = 3;
  o.image.layers = 2;
  o.text.layers = 1;
  o.image.d_model = o.text.d_model = 64;
  o.image.heads = o.text.heads = 4;
  o.image.feed_forward = o.text.feed_forward = 128;
  o.image.pooling = zoo::VitPooling::kMean;
  o.text.vocab_size = std::ssize(words());
  o.text.context = 7;
  o.projection = 32;
  return o;
}
Combinations some_of(const Combinations& all) {  // 64 of them, none twice
  Combinations some;
  const auto order = torch::randperm(std::ssize(all));
  for (int64_t n = 0; n < 64; ++n)
    some.push_back(all[static_cast<size_t>(order[n].item<int64_t>())]);
  return some;
}

// %%
torch::Tensor contrast(zoo::Clip& clip, const Pairs& batch) {
  const auto images = clip->embed_images(batch.pixels);  // [64, E]
  const auto texts = clip->embed_texts(batch.captions);  // [64, E]
  return zoo::info_nce_loss(clip->logits_per_image(images, texts));
}
void learn(zoo::Clip& clip, const torch::Tensor& drawn, const Combinations& seen, int64_t steps,
           bool mix_up) {
  zoo::AdamW optimizer(*clip, {.beta2 = 0.98, .weight_decay = 0.05});
  for (int64_t step = 0; step < steps; ++step) {
    auto batch = pairs_of(drawn, some_of(seen));
    if (mix_up) batch.captions = batch.captions.index({torch::randperm(64)});
    optimizer.zero_gradients();
    contrast(clip, batch).backward();
    const double done = static_cast<double>(step) / static_cast<double>(steps);
    optimizer.step(2e-3 * std::min((step + 1) / 20.0, 1.0 - done));  // warm-up, then linear decay
    clip->clamp_logit_scale();
    nb::progress("training", step + 1, steps);
  }
}

// %%
struct Recall {
  double captions = 0, pictures = 0;  // found by a picture, found by a caption
};
Recall recall_of(zoo::Clip& clip, const Pairs& test) {
  const torch::NoGradGuard no_grad;
  const auto scores = clip->embed_images(test.pixels).matmul(clip->embed_texts(test.captions).t());
  const auto own = torch::eye(scores.size(0), torch::kBool);  // [64, 64]
  return {zoo::recall_at(1, scores, own), zoo::recall_at(1, scores.t().contiguous(), own)};
}
auto options = clip_options();
zoo::Clip clip(options);
const double sharp_start = contrast(clip, test).item<double>();
const double scale_at_start = clip->logit_scale.exp().item<double>();
{
  const torch::NoGradGuard no_grad;
  clip->logit_scale.zero_();  // temperature 1
}
const double soft_start = contrast(clip, test).item<double>();
nb::print(fmt::format("untrained: loss {:.2f} at temperature 1, {:.2f} at 1 / {:.1f}\n", soft_start,
                      sharp_start, scale_at_start));
nb::claim("untrained at temperature 1: the loss, less ln 64 = 4.16", soft_start - std::log(64),
          nb::near(0, 0.1));

// %% [markdown]
// That was your first guess: a model that knows nothing and says so pays $\ln 64$. CLIP starts at
// $\tau = 0.07$ (§2.5), which turns chance differences between cosines into opinions, so it begins
// above that. Now train it, and train a second one on mixed-up captions.

// %%
{
  const torch::NoGradGuard no_grad;
  clip->logit_scale.fill_(options.logit_scale);
}
learn(clip, drawn, seen, 500, /*mix_up=*/false);
zoo::Clip mixed_up(options);
learn(mixed_up, drawn, seen, 150, /*mix_up=*/true);
const Recall right = recall_of(clip, test), wrong_pairs = recall_of(mixed_up, test);
nb::table({"64 combinations never seen", "finds its caption", "finds its picture"},
          {{"CLIP", fmt::format("{:.2f}", right.captions), fmt::format("{:.2f}", right.pictures)},
           {"trained on mixed-up captions", fmt::format("{:.2f}", wrong_pairs.captions),
            fmt::format("{:.2f}", wrong_pairs.pictures)},
           {"chance", fmt::format("{:.2f}", 1.0 / 64), fmt::format("{:.2f}", 1.0 / 64)}});
nb::print(fmt::format("temperature: 1 / {:.1f} at the start, 1 / {:.1f} now\n", scale_at_start,
                      clip->logit_scale.exp().item<double>()));

// %% [markdown]
// Question 44. CLIP names combinations that it has never seen, because it has learned their
// parts. The mixed-up model has seen the same pictures and the same sentences; what is missing is
// only which belongs to which.

// %%
nb::claim("recall at 1 among 64, the worse direction (chance 0.016)",
          std::min(right.captions, right.pictures), nb::at_least(0.15));
nb::refute("the same after mixed-up captions, the better direction",
           std::max(wrong_pairs.captions, wrong_pairs.pictures), nb::at_least(0.15));

// %% [markdown]
// ## Classes without training: prompts
//
// Ask something that the model was not trained for: which colour is on the right, whatever else there
// is? A class is now a set of sentences. Score the picture with all 256 captions; the softmax makes
// them probabilities, and those of *... of red circle*, *... of red square* and so on add up to the
// probability of red. (The paper, §3.1.4, has one sentence around each class, such as *a photo of a
// cat*, and averages the embeddings of several wordings.) Other sets give other classifiers, from the
// same model.

// %%
torch::Tensor all_captions() {
  std::vector<int64_t> ids;
  for (int64_t n = 0; n < 256; ++n) {
    const auto text = caption(n / 16, n % 16);
    ids.insert(ids.end(), text.begin(), text.end());
  }
  return torch::tensor(ids).view({256, 7});
}
using ClassOf = std::function<int64_t(int64_t left, int64_t right)>;
double zero_shot(zoo::Clip& clip, const Pairs& test, int64_t classes, const ClassOf& class_of) {
  const torch::NoGradGuard no_grad;
  auto belongs = torch::zeros({256, classes});  // [captions, K]
  for (int64_t n = 0; n < 256; ++n) belongs[n][class_of(n / 16, n % 16)] = 1;
  const auto texts = clip->embed_texts(all_captions());  // [256, E]
  const auto p = torch::softmax(clip->logits_per_image(clip->embed_images(test.pixels), texts), -1);
  const auto best = p.matmul(belongs).argmax(-1);  // [N]
  double right = 0;
  for (int64_t n = 0; n < best.size(0); ++n)
    right += best[n].item<int64_t>() ==
             class_of(test.things[n][0].item<int64_t>(), test.things[n][1].item<int64_t>());
  return right / static_cast<double>(best.size(0));
}

// %%
const ClassOf colour_on_right = [](int64_t, int64_t right) { return right / 4; };
const ClassOf thing_on_left = [](int64_t left, int64_t) { return left; };
const double colour = zero_shot(clip, test, 4, colour_on_right);
const double thing = zero_shot(clip, test, 16, thing_on_left);
const double blind_colour = zero_shot(mixed_up, test, 4, colour_on_right);
nb::table({"zero-shot", "CLIP", "mixed-up captions", "chance"},
          {{"colour on the right", fmt::format("{:.2f}", colour),
            fmt::format("{:.2f}", blind_colour), "0.25"},
           {"thing on the left", fmt::format("{:.2f}", thing),
            fmt::format("{:.2f}", zero_shot(mixed_up, test, 16, thing_on_left)), "0.06"}});
nb::claim("zero-shot: the colour on the right", colour, nb::at_least(0.85));
nb::claim("zero-shot: the thing on the left", thing, nb::at_least(0.18));
nb::refute("the colour on the right, after mixed-up captions", blind_colour, nb::at_least(0.6));

// %% [markdown]
// Colours are easy, shapes of seven pixels are not. And the model knows *where* a colour is, though
// a bag of words would not: *left of* always names the left thing first. Larger CLIPs are weak there,
// because few of their captions need it (Yuksekgonul et al. 2023,
// [arXiv:2210.01936](https://arxiv.org/abs/2210.01936)).
//
// ## Which patches does a word look at?
//
// Words and patches never attend to each other in CLIP: they meet in one cosine, at the end. But
// this tower's picture vector is a mean over patches, and a mean can be taken apart. With the output
// $h_p$ of patch $p$, the projection $W$ and the direction $d$ of a word,
//
// $$\cos = \sum_p c_p, \qquad c_p = \frac{(W h_p) \cdot d}{P\, \lVert W \bar h \rVert}$$
//
// On its way up, patch $p$ has read others. *Rollout* (Abnar & Zuidema 2020,
// [arXiv:2005.00928](https://arxiv.org/abs/2005.00928), §3) multiplies the attention of all layers, to
// lead each $c_p$ back to the patches that went in. Its rows sum to one, so the sum stays the cosine.
// The direction of *red* is the mean of all captions with *red*, less the mean of all captions.

// %%
torch::Tensor direction_of(zoo::Clip& clip, int64_t colour) {
  const auto captions = all_captions();                       // [256, 7]
  const auto has = captions.eq(colour).any(1);                // [256]
  const auto texts = clip->embed_texts(captions);             // [256, E]
  const auto d = texts.index({has}).mean(0) - texts.mean(0);  // [E]
  return d / d.norm();
}
/// What each patch adds to the cosine of picture and word. [4, 8]
torch::Tensor looked_at(zoo::Clip& clip, const torch::Tensor& pixels, const torch::Tensor& d) {
  zoo::Trace trace{.attentions = true, .tensors = {}};
  const auto encoded = clip->image->encode(pixels.unsqueeze(0), {.trace = &trace});
  const auto each = clip->image_projection(clip->image->hidden_of(encoded)[0]);  // [P, E]
  const auto c = each.matmul(d) / (each.size(0) * each.mean(0).norm());          // [P]
  const auto back = zoo::attention_rollout(
      {trace.tensors.at("attentions.0")[0], trace.tensors.at("attentions.1")[0]});  // [P, P]
  return c.matmul(back.to(torch::kFloat)).view({4, 8});
}

// %%
std::vector<torch::Tensor> differences;  // [4, 8] each
double found = 0, apart = 0;
{
  const torch::NoGradGuard no_grad;
  for (int64_t n = 0; n < 64; ++n) {
    const int64_t left = test.things[n][0].item<int64_t>() / 4,
                  right_colour = test.things[n][1].item<int64_t>() / 4;
    const auto d = direction_of(clip, left);
    const auto of_left = looked_at(clip, test.pixels[n], d);  // [4, 8]
    const auto cosine = clip->embed_images(test.pixels[n].unsqueeze(0))[0].dot(d);
    apart = std::max(apart, std::abs((of_left.sum() - cosine).item<double>()));
    if (left == right_colour) continue;  // the word is on both sides
    const auto more = of_left - looked_at(clip, test.pixels[n], direction_of(clip, right_colour));
    found += more.narrow(1, 0, 4).sum().item<double>() > more.narrow(1, 4, 4).sum().item<double>();
    differences.push_back(more);
  }
}
found /= static_cast<double>(differences.size());

// %% [markdown]
// Each map shows what the word of the left colour draws from a patch, less what the word of the right
// colour does: one picture, and the mean of all that have two colours. The left halves are brighter.

// %%
const auto mean_map = torch::stack(differences).mean(0);  // [4, 8]
nb::show(torch::stack({differences.back(), mean_map}),
         {.title = "Word of the left colour less that of the right one: the left half is brighter",
          .rows = "Row of patches",
          .columns = "Column"});
nb::print(fmt::format("mean: left half {:+.4f}, right half {:+.4f}; so in {:.2f} of {} pictures\n",
                      mean_map.narrow(1, 0, 4).sum().item<double>(),
                      mean_map.narrow(1, 4, 4).sum().item<double>(), found, differences.size()));
nb::claim("patches sum to the cosine (largest difference, 64 pictures)", apart, nb::at_most(1e-5));
nb::claim("pictures in which the word of the left colour looks further left (chance 0.5)", found,
          nb::at_least(0.6));

// %% [markdown]
// ## Flamingo: eyes for a frozen decoder
//
// Flamingo (Alayrac et al. 2022, [arXiv:2204.14198](https://arxiv.org/abs/2204.14198), §2.2 and
// Figure 4) takes a finished decoder and puts a layer before each block, in which words look at
// patches:
//
// $$h \leftarrow h + \tanh(\alpha)\, \mathrm{CrossAttention}(h, \text{patches}), \qquad \alpha = 0
// \text{ at the start}$$
//
// (The paper has a gated feed-forward network as well; here it is left out.) First a decoder that
// learns captions alone. It cannot know the colours.

// %%
struct Eyes : torch::nn::Module {
  zoo::MultiHeadAttention cross{zoo::MultiHeadAttentionOptions{.d_model = 64, .heads = 4}};
  torch::Tensor alpha;
  Eyes() {
    register_module("cross", cross);
    alpha = register_parameter("alpha", torch::zeros({1}));
  }
};
struct Flamingo : torch::nn::Module {
  zoo::Gpt gpt;
  std::vector<std::shared_ptr<Eyes>> eyes;
  explicit Flamingo(const zoo::Gpt& decoder) : gpt(decoder) {
    for (size_t n = 0; n < gpt->blocks->size(); ++n)
      eyes.push_back(register_module(fmt::format("eyes{}", n), std::make_shared<Eyes>()));
  }
  torch::Tensor forward(const torch::Tensor& patches, const torch::Tensor& tokens) {
    const auto positions = torch::arange(tokens.size(1)).unsqueeze(0);       // [1, T]
    auto h = gpt->position->embed(gpt->token_embedding(tokens), positions);  // [B, T, C]
    const zoo::SelfAttentionContext context{.args = {.causal = true}};
    for (size_t n = 0; n < eyes.size(); ++n) {
      auto& cross = eyes[n]->cross;
      h = h + torch::tanh(eyes[n]->alpha) * cross->cross(h, cross->project_keys_values(patches));
      h = gpt->blocks->at<zoo::BlockImpl>(n).forward(h, context);
    }
    return gpt->logits_of(gpt->final_norm(h));  // [B, T, V]
  }
};

// %%
/// Reads [end], then the caption; writes the caption, then [end].
zoo::TokenLoss writing_loss(const torch::Tensor& logits, const Pairs& batch) {
  return zoo::token_loss(logits, batch.captions);
}
torch::Tensor shifted(const Pairs& batch) {
  return torch::cat({batch.captions.narrow(1, 6, 1), batch.captions.narrow(1, 0, 6)}, 1);  // [N, 7]
}
zoo::GptOptions decoder_options = options.text;
decoder_options.layers = 2;
zoo::Gpt decoder(decoder_options);
{
  zoo::AdamW optimizer(*decoder, {.weight_decay = 0.0});
  for (int64_t step = 0; step < 150; ++step) {
    const auto batch = pairs_of(drawn, some_of(seen));
    const auto loss = writing_loss(decoder(shifted(batch)), batch);
    optimizer.zero_gradients();
    loss.sum.backward();
    optimizer.step(3e-3, /*divisor=*/loss.tokens);
  }
}
for (auto& parameter : decoder->parameters()) parameter.set_requires_grad(false);  // frozen
torch::Tensor patches_of(zoo::Clip& clip, const Pairs& batch) {
  const torch::NoGradGuard no_grad;
  return clip->image->hidden_of(clip->image->encode(batch.pixels));  // [N, P, C]
}

// %%
const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
};
Flamingo flamingo(decoder);
const auto before = decoder(shifted(test));        // [64, 7, V]
const auto test_patches = patches_of(clip, test);  // [64, P, C]
nb::claim("gates at tanh(0): logits differ from the decoder's by",
          distance(flamingo.forward(test_patches, shifted(test)), before), nb::near(0, 0));
{
  Flamingo open(decoder);
  const torch::NoGradGuard no_grad;
  for (const auto& eyes : open.eyes) eyes->alpha.fill_(1);
  nb::refute("the same with untrained cross-attention through open gates",
             distance(open.forward(test_patches, shifted(test)), before), nb::at_most(1e-3));
}
zoo::AdamW optimizer(flamingo, {.weight_decay = 0.0});
for (int64_t step = 0; step < 200; ++step) {
  const auto batch = pairs_of(drawn, some_of(seen));
  const auto loss = writing_loss(flamingo.forward(patches_of(clip, batch), shifted(batch)), batch);
  optimizer.zero_gradients();
  loss.sum.backward();
  optimizer.step(3e-3, /*divisor=*/loss.tokens);
  nb::progress("training", step + 1, 200);
}

// %%
const auto colours_right = [&](const torch::Tensor& logits) {
  const auto right = logits.argmax(-1).eq(test.captions);  // [64, 7]
  return (right.select(1, 0).to(torch::kDouble).mean() +
          right.select(1, 4).to(torch::kDouble).mean())
             .item<double>() /
         2;
};
const torch::NoGradGuard no_grad;
const double alone = colours_right(before),
             seeing = colours_right(flamingo.forward(test_patches, shifted(test))),
             elsewhere = colours_right(flamingo.forward(test_patches.roll(7, 0), shifted(test)));
nb::table({"colours written right (of 4)", "share"},
          {{"decoder alone", fmt::format("{:.2f}", alone)},
           {"with the picture", fmt::format("{:.2f}", seeing)},
           {"with another picture", fmt::format("{:.2f}", elsewhere)}});
nb::print(fmt::format("gates: tanh(alpha) = {:+.3f} and {:+.3f}\n",
                      std::tanh(flamingo.eyes[0]->alpha.item<double>()),
                      std::tanh(flamingo.eyes[1]->alpha.item<double>())));
for (const auto& eyes : flamingo.eyes) eyes->alpha.zero_();
nb::claim("colours right with the picture", seeing, nb::at_least(0.8));
nb::refute("colours right with another picture", elsewhere, nb::at_least(0.8));
nb::claim("gates closed again: logits differ from the decoder's by",
          distance(flamingo.forward(test_patches, shifted(test)), before), nb::near(0, 0));
// %% [markdown]
// The decoder has not changed by a bit: close the gates, and it writes as before. All that it knows
// about pictures is in the new layers, and another picture gives other words.
//
// ## What you have measured
//
// All numbers are of seed 17; the bounds leave room for what four other seeds gave.
//
// | claim | question |
// |---|---|
// | CLIP's loss is two classifications of one matrix, and $\ln N$ for a model without opinion | 44 |
// | a low temperature leaves the push to the most similar wrong caption | 44 |
// | from pairs alone: combinations never seen are found, sentences are classes; mixed-up pairs teach nothing | 44 |
// | the cosine of a picture and a word is a sum over patches, and each word has its own | 44 |
// | a gate at 0 leaves a frozen decoder as it was, and opens where pictures help | 44 |
//
// ## Try it
//
// 1. *By hand*: halve `tau`. Predict which of the three pictures' losses grow before you run the cell.
// 2. *Training two towers*: train with 8 pairs in a batch instead of 64 (`some_of`, `randperm`). How
//    large is the loss at the start? Does recall suffer?
// 3. *Pictures and captions*: let every second caption read *blue cross right of red circle* (a new
//    word; ids move). What happens to the colour on the right, now that the order of words is not
//    that of things?
// 4. *Flamingo*: start $\alpha$ at 1 instead of 0. Which claim fails, and does the loss after 200
//    steps suffer?
//
// **Next**: [sound and video](18_sound_and_video.ipynb), which need other patches and no other model.
