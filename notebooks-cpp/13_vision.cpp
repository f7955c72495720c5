// %% [markdown]
// # 13. Vision
//
// A Transformer reads tokens. An image is a grid of numbers, so it has to be cut: into patches,
// each of them projected to a vector. After that nothing in the model knows that it looks at an
// image.
//
// **Before you read on, write down two guesses.** Nobody tells a ViT which patch lies beside which;
// it learns one vector for each place. After training, which vectors will resemble each other? And
// with 100 pictures to learn from, which is better, a ViT or a CNN of the same size? With 3,000?
//
// You need lesson 2 and the idea of a convolution. At the end you can write a patch embedding in
// three ways, run a ViT on images of another size, and say what a convolution brings along that a
// ViT must learn.

// %%
#include <fmt/format.h>
#include <torch/nn/functional/normalization.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/patch_embedding.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/vit.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/loop/optimizer.h"
#include "train/objectives/token_loss.h"

torch::manual_seed(13);

// %% [markdown]
// ## By hand: four patches
//
// An image of $4 \times 4$ pixels, cut into four patches of $2 \times 2$. Project each patch to one
// number with the weights 1, 2, 3, 4: multiply its four pixels, row by row, and add. Compute the
// first patch on paper: its pixels are 1, 2, 5, 6.

// %%
const auto image = torch::arange(1, 17, torch::kFloat).view({1, 1, 4, 4});  // [B, channels, H, W]
zoo::PatchEmbedding four(zoo::PatchEmbeddingOptions{
    .channels = 1, .patch_height = 2, .patch_width = 2, .d_model = 1, .bias = false});
{
  const torch::NoGradGuard no_grad;
  four->projection->weight.copy_(torch::tensor({1.0, 2.0, 3.0, 4.0}).view({1, 1, 2, 2}));
}
std::vector<double> by_hand;
for (const int corner : {1, 3, 9, 11})  // the first pixel of each patch
  by_hand.push_back(corner + 2 * (corner + 1) + 3 * (corner + 4) + 4 * (corner + 5));
const auto tokens = four(image);  // [1, 4, 1]
nb::print(fmt::format("by hand {} {} {} {}\n", by_hand[0], by_hand[1], by_hand[2], by_hand[3]));
nb::claim("zoo::PatchEmbedding and the numbers by hand differ by",
          (tokens.flatten() - torch::tensor(by_hand)).abs().max().item<double>(), nb::near(0, 0));

// %% [markdown]
// ## The formula, three times
//
// Dosovitskiy et al. 2020 ([arXiv:2010.11929](https://arxiv.org/abs/2010.11929), §3.1, Eq. 1): a
// picture becomes $P = HW / p^2$ patches, each flattened and multiplied by one matrix $E$.
//
// $$z_0 = [x_{\mathrm{class}};\; x^1 E;\; \dots;\; x^P E] + E_{\mathrm{pos}}$$
//
// | symbol | holds | shape |
// |---|---|---|
// | $x$ | pixels | $[B, ch, H, W]$ |
// | $x^1 \dots x^P$ | patches, flattened | $[B, P, ch\,p^2]$ |
// | $E$ | the projection | $[ch\,p^2, C]$ |
// | $E_{\mathrm{pos}}$ | one learned vector for each place | $[P + 1, C]$ |
//
// A convolution whose stride equals its width does the same: it takes a weighted sum at every patch
// and never between patches. So does *unfold*, which copies the patches into rows, and a linear
// layer. Question 43. The three give the same numbers.

// %%
const auto pixels = torch::randn({2, 3, 32, 32});
zoo::PatchEmbedding embedding(zoo::PatchEmbeddingOptions{
    .channels = 3, .patch_height = 8, .patch_width = 8, .d_model = 64});
const auto as_module = embedding(pixels);                               // [2, 16, 64]
const auto& weight = embedding->projection->weight;                     // [64, 3, 8, 8]
const auto& bias = embedding->projection->bias;                         // [64]
const auto strided = torch::conv2d(pixels, weight, bias, /*stride=*/8)  // [2, 64, 4, 4]
                         .flatten(2)
                         .transpose(1, 2);  // [2, 16, 64]
const auto rows = pixels.unfold(2, 8, 8)
                      .unfold(3, 8, 8)  // [2, 3, 4, 4, 8, 8]
                      .permute({0, 2, 3, 1, 4, 5})
                      .reshape({2, 16, 3 * 8 * 8});
const auto linear = torch::linear(rows, weight.flatten(1), bias);  // [2, 16, 64]
nb::claim("strided convolution and unfold + linear differ by",
          (strided - linear).abs().max().item<double>(), nb::at_most(1e-5));
nb::claim("the module and unfold + linear differ by",
          (as_module - linear).abs().max().item<double>(), nb::at_most(1e-5));
const auto overlapping = torch::conv2d(pixels, weight, bias, /*stride=*/4);  // [2, 64, 7, 7]
nb::refute("a stride of 4: patches of an image", static_cast<double>(overlapping[0][0].numel()),
           nb::near(16, 0));

// %% [markdown]
// ## Pictures drawn by the lesson
//
// Gray images of $16 \times 16$: one shape, a square, a plus, a cross or a ring, at any place, with a
// little noise. The place is random on purpose: a model that knows a square at the left does not
// know one at the right, unless it is built that way.

// %%
/// x and y are 0 in the middle of the shape and 1 at its edge.
torch::Tensor inside(int64_t shape, const torch::Tensor& x, const torch::Tensor& y) {
  const auto ax = x.abs(), ay = y.abs(), far = torch::maximum(ax, ay), r = (x * x + y * y).sqrt();
  if (shape == 0) return far.le(1).logical_and(far.gt(0.6));
  if (shape == 1) return far.le(1).logical_and(torch::minimum(ax, ay).lt(0.25));
  if (shape == 2) return far.le(1).logical_and((ax - ay).abs().lt(0.3));
  return r.le(1.05).logical_and(r.gt(0.65));
}
struct Pictures {
  torch::Tensor pixels, shapes, places;  // [B, 1, S, S], [B], [B, 2] from -1 to 1
};
Pictures draw(int64_t count, int64_t side, double noise) {
  const auto shapes = torch::randint(4, {count}, torch::kLong);
  const double radius = 3;
  const auto middle =
      radius + torch::rand({2, count, 1, 1}) * (static_cast<double>(side - 1) - 2 * radius);
  const auto at = torch::arange(side, torch::kFloat);
  const auto x = (at.view({1, 1, side}) - middle[0]) / radius;  // [B, 1, S]
  const auto y = (at.view({1, side, 1}) - middle[1]) / radius;  // [B, S, 1]
  auto drawn = torch::zeros({count, side, side});
  for (int64_t s = 0; s < 4; ++s)
    drawn = torch::where(shapes.eq(s).view({-1, 1, 1}), inside(s, x, y).to(torch::kFloat), drawn);
  const auto noisy = drawn + noise * torch::randn_like(drawn);
  return {noisy.unsqueeze(1), shapes, middle.view({2, count}).t() * 2 / (side - 1) - 1};
}

// %%
const auto some = draw(6, 16, 0.1);
nb::show(some.pixels.squeeze(1), {.title = "Six pictures: name each shape, wherever it lies",
                                  .rows = "Row",
                                  .columns = "Column"});

// %% [markdown]
// ## Where is it? Positions rebuild the grid
//
// First the other question: not what the shape is but where its middle lies, as two numbers from -1
// to 1. That cannot be answered without knowing where each patch lies, and the ViT is not told: its
// 64 places are rows of a table, all random at the start. Train a ViT with patches of 2 by 2.

// %%
zoo::VitOptions where_options(int64_t patch, zoo::GridPositionKind position) {
  zoo::VitOptions options;
  options.classes = 2;  // not classes here: two numbers
  options.image_size = 16;
  options.patch_size = patch;
  options.layers = 2;
  options.d_model = 32;
  options.heads = 2;
  options.position = position;
  options.pooling = zoo::VitPooling::kMean;
  return options;
}
using Forward = std::function<torch::Tensor(const torch::Tensor&)>;

void learn_places(const torch::nn::Module& model, const Forward& forward, int64_t steps) {
  zoo::AdamW optimizer(model, {.beta2 = 0.98, .weight_decay = 0.0});
  for (int64_t step = 0; step < steps; ++step) {
    const auto batch = draw(64, 16, 0.1);
    const auto loss = (forward(batch.pixels) - batch.places).square().mean();
    optimizer.zero_gradients();
    loss.backward();
    optimizer.step(/*learning_rate=*/3e-3);
    nb::progress("training", step + 1, steps);
  }
}
double place_error(const Forward& forward, int64_t side) {
  const torch::NoGradGuard no_grad;
  const auto unseen = draw(500, side, 0.1);
  return (forward(unseen.pixels) - unseen.places).abs().mean().item<double>();
}

// %%
zoo::Vit vit(where_options(2, zoo::GridPositionKind::kLearned));
const Forward with_positions = [&](const torch::Tensor& x) { return vit->forward(x); };
learn_places(*vit, with_positions, 300);
const double error = place_error(with_positions, 16);
nb::claim("mean error of the place (always answering the middle: 0.3)", error, nb::at_most(0.12));

// %% [markdown]
// Now look into the table. Take the vector of one place and compute its cosine with all 64. Each
// small square is the image's grid; look for the bright spot, which moves with the chosen place.

// %%
const auto& table = std::dynamic_pointer_cast<zoo::LearnedGridPosition>(vit->position)
                        -> table->weight;  // [64, 32]
const auto centred = table.detach() - table.detach().mean(0);
const auto directions = torch::nn::functional::normalize(centred);
const auto cosines = directions.matmul(directions.t());  // [64, 64]
const std::vector<int64_t> chosen = {0, 7, 27, 60};
std::vector<torch::Tensor> maps;
for (const int64_t place : chosen) maps.push_back(cosines[place].view({8, 8}));
nb::show(torch::stack(maps), {.title = "Cosines with place 0, 7, 27 and 60: bright where it lies",
                              .rows = "Row",
                              .columns = "Column",
                              .low = -1,
                              .high = 1});
double beside = 0, opposite = 0;
for (int64_t r = 0; r < 8; ++r)
  for (int64_t c = 0; c < 7; ++c) {
    beside += cosines[8 * r + c][8 * r + c + 1].item<double>() / 56;
    opposite += cosines[8 * r + c][63 - 8 * r - c].item<double>() / 56;
  }
nb::print(fmt::format("cosine of neighbours {:.2f}, of opposite places {:.2f}\n", beside,
                      opposite));

// %% [markdown]
// Question 43. Places that are near get vectors that are alike (§4.5 and Figure 7 of the paper):
// the table has become a map, learned from pictures alone.

// %%
nb::claim("neighbours are more alike than opposite places, by", beside - opposite,
          nb::at_least(0.5));

// %% [markdown]
// ## Images of another size
//
// A larger image has more patches than the table has rows. Because the table is a map, it can be
// stretched: the zoo interpolates it in two dimensions (§3.2 of the paper). Give the ViT images of
// $24 \times 24$, 144 patches, that it was never trained on. The broken variant stretches the table
// as one line of 64 entries, which mixes the end of each row with the beginning of the next.

// %%
const auto stretched = [&](bool as_grid) -> Forward {
  return [&, as_grid](const torch::Tensor& x) {
    auto h = vit->patch_embedding(x);  // [B, 144, C]
    const zoo::Grid from = as_grid ? zoo::Grid{8, 8} : zoo::Grid{1, 64};
    const zoo::Grid to = as_grid ? zoo::Grid{12, 12} : zoo::Grid{1, 144};
    h = h + zoo::interpolate_positions(table, /*prefix=*/0, from, to);
    for (const auto& block : *vit->blocks) h = block->as<zoo::BlockImpl>()->forward(h);
    return vit->logits_of(vit->hidden_of(h));  // [B, 2]
  };
};
const auto larger = draw(2, 24, 0.1).pixels;
const auto built_in = vit->logits_of(vit->hidden_of(vit->encode(larger, {.interpolate = true})));
nb::claim("the zoo's interpolation and the steps written out differ by",
          (built_in - stretched(true)(larger)).abs().max().item<double>(), nb::at_most(1e-4));
const double grid_error = place_error(stretched(true), 24),
             line_error = place_error(stretched(false), 24);
nb::print(fmt::format("error at 16 x 16 {:.3f}; at 24 x 24 {:.3f}; as a line {:.3f}\n", error,
                      grid_error, line_error));
nb::claim("error on larger images, table stretched as a grid", grid_error, nb::at_most(0.2));
nb::refute("error on larger images, table stretched as a line", line_error, nb::at_most(0.2));

// %% [markdown]
// ## Recurrence instead of positions
//
// A hybrid mixes the ViT with a part that brings its own order. First a recurrent one: leave the
// positions out, and let an LSTM (lesson 1) read the patches, row by row and in both directions,
// before the blocks. What it has read so far differs by place. Patches of 4 by 4 make 16 tokens.

// %%
struct Hybrid : torch::nn::Module {
  zoo::Vit vit{where_options(4, zoo::GridPositionKind::kNone)};
  torch::nn::LSTM lstm{torch::nn::LSTMOptions(32, 16).batch_first(true).bidirectional(true)};
  Hybrid() {
    register_module("vit", vit);
    register_module("lstm", lstm);
  }
  torch::Tensor forward(const torch::Tensor& pixels) {
    auto h = vit->embed(pixels);   // [B, 16, C]
    h = h + std::get<0>(lstm(h));  // [B, 16, C]
    for (const auto& block : *vit->blocks) h = block->as<zoo::BlockImpl>()->forward(h);
    return vit->logits_of(vit->hidden_of(h));  // [B, 2]
  }
};

// %%
zoo::Vit blind(where_options(4, zoo::GridPositionKind::kNone));
const Forward without_positions = [&](const torch::Tensor& x) { return blind->forward(x); };
learn_places(*blind, without_positions, 300);
Hybrid hybrid;
const Forward through_lstm = [&](const torch::Tensor& x) { return hybrid.forward(x); };
learn_places(hybrid, through_lstm, 300);
const double blind_error = place_error(without_positions, 16);
const double hybrid_error = place_error(through_lstm, 16);
nb::table({"model", "error of the place"},
          {{"ViT without positions", fmt::format("{:.3f}", blind_error)},
           {"the same behind an LSTM", fmt::format("{:.3f}", hybrid_error)}});

// %% [markdown]
// Question 45. Without positions a ViT cannot say where anything is; behind an LSTM it
// can, because recurrence is a sense of order. The price is lesson 1's: one step after another.

// %%
nb::claim("behind an LSTM: error over that without positions", hybrid_error / blind_error,
          nb::at_most(0.75));

// %% [markdown]
// ## What is it? Convolution against patches as data grows
//
// Now name the shape, from few pictures. Three models of 20,000 to 33,000 parameters:
//
// - the **ViT**: patches of 4 by 4, two blocks. Nothing about images is built in.
// - the **CCT** (Hassani et al. 2021, [arXiv:2104.05704](https://arxiv.org/abs/2104.05704), §3.3):
//   two convolutions with pooling make the tokens, then two blocks. In its stem, a shape that moves
//   gives features that move.
// - the **CNN** (He et al. 2015, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385), §4.2):
//   convolutions to the end, then a mean over all places.
//
// Each sees the same number of batches; only the number of *different* pictures changes. Guessing
// gives 1/4.

// %%
double share_right(zoo::ImageClassifier& model, const Pictures& pictures) {
  const torch::NoGradGuard no_grad;
  const auto right = model.forward(pictures.pixels).argmax(-1).eq(pictures.shapes);
  return right.to(torch::kFloat).mean().item<double>();
}
struct Learned {
  double seen = 0, unseen = 0;  // share of right answers
};
Learned learn_shapes(zoo::ImageClassifier& model, int64_t different) {
  const auto data = draw(different, 16, 0.1);
  zoo::AdamW optimizer(model, {.beta2 = 0.98, .weight_decay = 0.05});
  for (int64_t step = 0; step < 250; ++step) {
    const auto batch = torch::randint(different, {50}, torch::kLong);
    const auto logits = model.forward(data.pixels.index({batch}));  // [50, 4]
    const auto loss = zoo::token_loss(logits, data.shapes.index({batch}));
    optimizer.zero_gradients();
    loss.sum.backward();
    optimizer.step(/*learning_rate=*/3e-3, /*divisor=*/loss.tokens);
  }
  return {share_right(model, data), share_right(model, draw(1000, 16, 0.1))};
}

// %%
template <class Options>
Options for_shapes(Options options) {
  options.classes = 4;
  options.image_size = 16;
  options.layers = 2;
  options.d_model = 32;
  options.heads = 4;
  options.drop_path = options.attention_dropout = 0;
  return options;
}
std::shared_ptr<zoo::ImageClassifier> make_classifier(const std::string& name) {
  if (name == "CNN")
    return std::make_shared<zoo::CnnImpl>(
        zoo::CnnOptions{.classes = 4, .image_size = 16, .width = 8});
  if (name == "CCT") return std::make_shared<zoo::CctImpl>(for_shapes(zoo::CctOptions()));
  auto options = for_shapes(zoo::VitOptions());
  options.pooling = zoo::VitPooling::kMean;
  return std::make_shared<zoo::VitImpl>(options);
}

// %%
std::map<std::string, std::map<int64_t, double>> right, gap;
std::vector<nb::Line> curves;
for (const std::string name : {"ViT", "CCT", "CNN"}) {
  curves.push_back({.label = name, .x = {}, .y = {}});
  for (const int64_t different : {100, 400, 3200}) {
    const Learned learned = learn_shapes(*make_classifier(name), different);
    right[name][different] = learned.unseen;
    gap[name][different] = learned.seen - learned.unseen;
    curves.back().x.push_back(static_cast<double>(different));
    curves.back().y.push_back(right[name][different]);
    nb::progress("training, pictures", different, 3200);
  }
}
nb::plot(curves, {.title = "New pictures named right: the CCT is up first, the ViT last",
                  .x = "different pictures to learn from",
                  .y = "right answers",
                  .log_x = true,
                  .y_from_zero = true});
std::vector<std::vector<std::string>> gaps;
for (const auto& [name, of] : gap)
  gaps.push_back({name, fmt::format("{:.2f}", right[name][100]), fmt::format("{:.2f}", of.at(100)),
                  fmt::format("{:.2f}", right[name][3200]), fmt::format("{:.2f}", of.at(3200))});
nb::table({"model", "100 pictures: right", "less than on those seen", "3,200: right", "less"},
          gaps);

// %% [markdown]
// Question 43. Look at the second column of numbers. From 100 pictures the ViT, and the CNN too, has
// learned *them*: on those it has seen it is far better than on new ones. From 3,200 it cannot learn
// them by heart in this time, and what it has learned holds for new ones as well. What the ViT still
// lacks is what the others bring along: that a square is a square wherever it lies. In the paper a
// ViT passed the best CNN only after 14 to 300 million pictures (§4.3, Figure 3).
//
// Question 45. Two convolutions in front are enough to change that. The CCT's blocks
// are a ViT's; its tokens are not raw pixels but edges and corners, found in the same way at every
// place.

// %%
nb::claim("ViT, 100 pictures: share right of those seen, less that of new ones", gap["ViT"][100],
          nb::at_least(0.3));
nb::claim("ViT, 3,200 pictures: the same", gap["ViT"][3200], nb::at_most(0.08));
nb::refute("CCT, 100 pictures: the same", gap["CCT"][100], nb::at_least(0.25));
nb::claim("3,200 pictures: CNN less ViT", right["CNN"][3200] - right["ViT"][3200],
          nb::at_least(0.05));
nb::claim("100 pictures: CCT less ViT", right["CCT"][100] - right["ViT"][100], nb::at_least(0.15));

// %% [markdown]
// ## What you have measured
//
// | claim | question |
// |---|---|
// | patch embedding, strided convolution and unfold + linear are one operation | 43 |
// | learned positions become a map of the image, and the map can be stretched as a grid | 43 |
// | with few pictures, a ViT learns them by heart; a convolutional stem does not need to | 43 |
// | recurrence can stand in for positions, a convolutional stem for data | 45 |
//
// ## Try it
//
// 1. *By hand*: swap the weights 2 and 3. Which of the four numbers change, and by how much? Decide
//    before you run the cell; the claim tells you whether `by_hand` was changed in the same way.
// 2. *Where is it*: give the ViT `GridPositionKind::kSinusoidal2d`. It has no table: which cells
//    cannot run any more? What do you expect of its error?
// 3. *Images of another size*: draw images of 32 by 32. Does the error grow more for the grid or for
//    the line?
// 4. *What is it*: always draw the shape in the middle (`middle` = 7.5). Predict which of the three
//    curves moves most.
// 5. *What is it*: train the ViT four times as long on 3,200 pictures. Is it data or time that it
//    lacks?
//
// **Next**: [14. Looking inside](14_looking_inside.ipynb): which part of a model gave the answer.
