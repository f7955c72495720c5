// 23: patches of pictures, and their projection.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_23 {
namespace {

torch::Tensor patches(const torch::Tensor& pixels, int64_t height, int64_t width,
                      const Faults& faults) {
  const int64_t ph = faults["sides-swapped"] ? width : height;
  const int64_t pw = faults["sides-swapped"] ? height : width;
  const int64_t B = pixels.size(0), ch = pixels.size(1), H = pixels.size(2), W = pixels.size(3);
  const int64_t rows = H / ph, columns = W / pw;
  const bool front = faults["edge-at-front"];
  const auto even = pixels.narrow(2, front ? H - rows * ph : 0, rows * ph)
                        .narrow(3, front ? W - columns * pw : 0, columns * pw);
  if (faults["view-alone"]) return even.reshape({B, rows * columns, ch * ph * pw});
  std::vector<int64_t> order = {0, 2, 4, 1, 3, 5};
  if (faults["channels-last"]) order = {0, 2, 4, 3, 5, 1};
  if (faults["channels-outside"]) order = {0, 1, 2, 4, 3, 5};
  if (faults["columns-first"]) order = {0, 4, 2, 1, 3, 5};
  if (faults["inside-transposed"]) order = {0, 2, 4, 1, 5, 3};
  return even.reshape({B, ch, rows, ph, columns, pw})
      .permute(order)
      .reshape({B, rows * columns, ch * ph * pw});
}

torch::Tensor matrix_of(const torch::Tensor& weight, const Faults& faults) {  // [K, C]
  if (faults["kernel-flipped"]) return weight.flip({2, 3}).flatten(1).t();
  if (faults["weight-channels-last"]) return weight.permute({0, 2, 3, 1}).flatten(1).t();
  if (faults["weight-viewed"]) return weight.reshape({-1, weight.size(0)});
  return weight.flatten(1).t();
}

Value reference(const Probe& probe, const Faults& faults) {
  const auto pixels = probe.tensor(0);
  if (probe.function == "to_patches")
    return patches(pixels, probe.integer(1), probe.integer(2), faults);
  const auto weight = probe.tensor(1);
  const auto product =
      patches(pixels, weight.size(2), weight.size(3), faults).matmul(matrix_of(weight, faults));
  return faults["bias-missing"] ? product : product + probe.tensor(2);
}

std::string numbers(const torch::Tensor& row) {
  std::string text;
  const int64_t count = std::min<int64_t>(6, row.numel());
  for (int64_t n = 0; n < count; ++n)
    text += (n ? ", " : "(") + describe_number(row[n].item<double>());
  return text + (count < row.numel() ? ", ...)" : ")");
}
std::string patch(const Probe& probe, const Value& answer, int64_t n) {
  const auto patches_of_first = answer.toTensor()[0];
  const auto chosen = std::min(n, patches_of_first.size(0) - 1);
  return numbers(patches_of_first[chosen]) + ", not " +
         numbers(reference(probe, {}).toTensor()[0][chosen]);
}
std::string first_patch(const Probe& probe, const Value& answer) { return patch(probe, answer, 0); }
std::string second_patch(const Probe& probe, const Value& answer) {
  return patch(probe, answer, 1);
}
std::string gap(const Probe& probe, const Value& answer) {
  const auto right = reference(probe, {}).toTensor();
  return "channel 0 by " + describe_number((answer.toTensor() - right)[0][0][0].item<double>());
}

Exercise make() {
  torch::manual_seed(23);
  const auto cutting = [](const std::string& what, const torch::Tensor& pixels, int64_t height,
                          int64_t width) {
    return Probe{"to_patches", what, {pixels, height, width}};
  };
  const auto embedding = [](const std::string& what, const torch::Tensor& pixels, int64_t C,
                            int64_t height, int64_t width) {
    const auto weight = torch::randn({C, pixels.size(1), height, width});
    return Probe{"patch_embedding", what, {pixels, weight, torch::randn({C})}};
  };
  /// Pixels that tell channel, row and column.
  const auto labelled = [](int64_t B, int64_t channels, int64_t H, int64_t W) {
    return (1000 * torch::arange(channels).view({1, channels, 1, 1}) +
            10 * torch::arange(H).view({1, 1, H, 1}) + torch::arange(W).view({1, 1, 1, W}) +
            100 * torch::arange(B).view({B, 1, 1, 1}))
        .to(torch::kFloat);
  };
  const auto by_hand = torch::arange(1, 9, torch::kFloat).view({1, 1, 2, 4});
  const Probe hand_embedding{
      "patch_embedding",
      "the picture of README.md",
      {by_hand, torch::arange(1, 5, torch::kFloat).view({1, 1, 2, 2}), torch::full({1}, 0.5f)}};
  const auto photo =
      cutting("2 pictures, 3 channels, 12 x 6, patches of 2 x 3", labelled(2, 3, 12, 6), 2, 3);
  const auto random = embedding("2 pictures, 3 channels, 8 x 6, patches of 2 x 3, C = 5",
                                torch::randn({2, 3, 8, 6}), 5, 2, 3);
  return {
      .name = "23_patch_embedding",
      .reference = reference,
      .faults = {{"view-alone", first_patch, true},
                 {"channels-last", first_patch},
                 {"channels-outside", first_patch, true},
                 {"columns-first", second_patch},
                 {"inside-transposed", first_patch},
                 {"sides-swapped", first_patch},
                 {"edge-at-front", first_patch},
                 {"bias-missing", gap},
                 {"kernel-flipped"},
                 {"weight-channels-last"},
                 {"weight-viewed"}},
      .checks = {
          {"23.1", Kind::kShape, 1, "patches, and numbers in each", {photo}},
          {"23.1",
           Kind::kValues,
           2,
           "pixels of each patch",
           {cutting("the picture of README.md", by_hand, 2, 2), photo,
            cutting("1 picture, 2 channels, 4 x 9, patches of 2 x 3", labelled(1, 2, 4, 9), 2, 3)}},
          {"23.1",
           Kind::kOddSizes,
           1,
           "pixels left over, one patch, patches of one pixel, transposed pixels",
           {cutting("7 x 5 pixels, patches of 2 x 2", labelled(2, 2, 7, 5), 2, 2),
            cutting("the patch is the picture", labelled(2, 3, 3, 4), 3, 4),
            cutting("patches of 1 x 1", labelled(1, 3, 2, 3), 1, 1),
            cutting("transposed pixels", labelled(2, 3, 6, 4).transpose(2, 3), 2, 3),
            cutting("channels last in memory", torch::randn({2, 4, 6, 3}).permute({0, 3, 1, 2}), 2,
                    2)}},
          {"23.1",
           Kind::kGradients,
           1,
           "gradients of the pixels",
           {cutting("7 x 5 pixels, patches of 2 x 2", torch::randn({2, 2, 7, 5}), 2, 2)}},
          {"23.2", Kind::kValues, 2, "projected patches", {hand_embedding, random}},
          {"23.2",
           Kind::kOddSizes,
           1,
           "pixels left over, one patch, one channel, transposed weights",
           {embedding("7 x 5 pixels, patches of 3 x 2, C = 4", torch::randn({2, 2, 7, 5}), 4, 3, 2),
            embedding("the patch is the picture", torch::randn({3, 2, 2, 3}), 4, 2, 3),
            embedding("1 channel, C = 1", torch::randn({1, 1, 4, 4}), 1, 2, 2),
            {"patch_embedding",
             "transposed weights",
             {torch::randn({2, 3, 6, 4}), torch::randn({3, 5, 3, 2}).transpose(0, 1),
              torch::randn({5})}}}},
          {"23.2", Kind::kGradients, 1, "gradients of pixels, weight and bias", {random}},
          {"23.2", Kind::kSideEffects, 1, "arguments stay as they were", {random, photo}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_23
