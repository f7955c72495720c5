// 25: cosines of all pairs, and the loss of both directions.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_25 {
namespace {

torch::Tensor unit(const torch::Tensor& x, const Faults& faults) {
  if (faults["not-normalised"]) return x;
  const int64_t axis = faults["normalised-over-batch"] ? 0 : 1;
  const auto length = x.norm(2, axis, true);
  if (faults["length-squared"]) return x / length.square().clamp_min(1e-12);
  return x / (faults["zero-vector-nan"] ? length : length.clamp_min(1e-12));
}

torch::Tensor pairs(const Probe& probe, const Faults& faults) {
  const auto images = unit(probe.tensor(0), faults);
  const auto texts =
      faults["one-side-normalised"] ? probe.tensor(1) : unit(probe.tensor(1), faults);
  const auto cosines = faults["transposed"] ? texts.matmul(images.t()) : images.matmul(texts.t());
  if (faults["temperature-missing"]) return cosines;
  return faults["temperature-multiplies"] ? cosines * probe.real(2) : cosines / probe.real(2);
}

/// [B]: log-probability of each row's or column's own entry.
torch::Tensor right(const torch::Tensor& logits, int64_t axis, const Faults& faults) {
  if (faults["softmax-over-all"]) return logits.flatten().log_softmax(0).view_as(logits).diagonal();
  if (faults["no-shift"]) {  // in float, as the student computes
    const auto e = logits.to(torch::kFloat).exp();
    return (e / e.sum(axis, true)).log().diagonal().to(logits.dtype());
  }
  if (faults["positive-left-out"]) {
    const auto own = torch::eye(logits.size(0), torch::kBool);
    return logits.diagonal() - logits.masked_fill(own, -INFINITY).logsumexp(axis);
  }
  return logits.log_softmax(axis).diagonal();
}

torch::Tensor loss(const torch::Tensor& logits, const Faults& faults) {
  const auto by_images = -right(logits, 1, faults), by_texts = -right(logits, 0, faults);
  auto both = (by_images + by_texts) / 2;  // [B]
  if (faults["images-only"]) both = by_images;
  if (faults["texts-only"]) both = by_texts;
  if (faults["not-halved"]) both = by_images + by_texts;
  const auto total = faults["sum-not-mean"] ? both.sum() : both.mean();
  return faults["sign-forgotten"] ? -total : total;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "pair_logits") return pairs(probe, faults);
  if (probe.function == "info_nce_loss") return loss(probe.tensor(0), faults);
  return loss(pairs(probe, faults), faults);
}

std::string largest_cosine(const Probe& probe, const Value& answer) {
  return describe_number(answer.toTensor().max().item<double>() * probe.real(2));
}
std::string largest(const Probe& probe, const Value& answer) {
  return describe_number(answer.toTensor().max().item<double>()) + " at temperature " +
         describe_number(probe.real(2));
}
std::string entry_0_1(const Probe& probe, const Value& answer) {
  if (answer.toTensor().size(0) < 2) return describe(answer);
  return describe_number(answer.toTensor()[0][1].item<double>()) + ", not " +
         describe_number(reference(probe, {}).toTensor()[0][1].item<double>());
}
/// What a cosine of 1 would be, from the ratio to the right answer.
std::string own_cosine(const Probe& probe, const Value& answer) {
  const auto ratio = answer.toTensor()[0][0] / reference(probe, {}).toTensor()[0][0];
  return describe_number(ratio.item<double>());
}
std::string zero_row(const Probe&, const Value& answer) {
  return describe_number(answer.toTensor().sum().item<double>());
}

Exercise make() {
  torch::manual_seed(25);
  const auto images = torch::randn({5, 3}) * torch::tensor({2.0f, 0.5f, 1.0f});
  const auto texts = torch::randn({5, 3}) + 1;
  const auto logits = torch::randn({5, 5}) * 2;
  const auto by_hand = torch::tensor({{std::log(3.0f), 0.0f}, {0.0f, 0.0f}});
  auto with_zero = torch::randn({3, 4});
  with_zero[1] = 0;
  const auto pairing = [](const std::string& what, const torch::Tensor& x, const torch::Tensor& y,
                          double temperature) {
    return Probe{"pair_logits", what, {x, y, temperature}};
  };
  const auto losing = [](const std::string& what, const torch::Tensor& scores) {
    return Probe{"info_nce_loss", what, {scores}};
  };
  const Probe whole{
      "from_embeddings", "5 pairs of 3 numbers, from vectors to loss", {images, texts, 0.3}};
  const auto five_pairs = pairing("5 pairs of 3 numbers, temperature 0.5", images, texts, 0.5);
  return {.name = "25_info_nce",
          .reference = reference,
          .faults = {{"not-normalised", largest_cosine},
                     {"normalised-over-batch", largest_cosine, true},
                     {"one-side-normalised", largest_cosine},
                     {"temperature-multiplies", largest},
                     {"temperature-missing", largest},
                     {"transposed", entry_0_1},
                     {"length-squared", own_cosine},
                     {"zero-vector-nan", zero_row, true},
                     {"images-only"},
                     {"texts-only"},
                     {"not-halved"},
                     {"sum-not-mean"},
                     {"softmax-over-all"},
                     {"sign-forgotten"},
                     {"positive-left-out"},
                     {"no-shift", {}, true}},
          .checks = {
              {"25.1", Kind::kShape, 1, "an entry for each pair", {five_pairs}},
              {"25.1",
               Kind::kValues,
               2,
               "cosines over temperature",
               {five_pairs, pairing("2 pairs of 4 numbers, temperature 0.07",
                                    torch::randn({2, 4}) * 3, torch::randn({2, 4}), 0.07)}},
              {"25.1",
               Kind::kOddSizes,
               1,
               "one pair, one number, a vector of zeros, transposed vectors",
               {pairing("1 pair", torch::randn({1, 3}), torch::randn({1, 3}), 0.1),
                pairing("vectors of 1 number", torch::randn({4, 1}), torch::randn({4, 1}), 0.5),
                pairing("image 1 is zero", with_zero, torch::randn({3, 4}), 0.5),
                pairing("transposed vectors", torch::randn({3, 4}).t(), torch::randn({3, 4}).t(),
                        2.0)}},
              {"25.2",
               Kind::kValues,
               2,
               "the loss of both directions",
               {losing("equal logits of 5 pairs", torch::full({5, 5}, 0.3f)),
                losing("logits ln 3, 0; 0, 0", by_hand), losing("5 pairs", logits)}},
              {"25.2", Kind::kGradients, 1, "gradients of the logits", {losing("5 pairs", logits)}},
              {"25.2", Kind::kGradients, 1, "gradients of both sides", {whole}},
              {"25.2",
               Kind::kOddSizes,
               1,
               "one pair, large logits, transposed logits",
               {losing("1 pair", torch::full({1, 1}, 2.0f)),
                losing("logits near 1000", 1000 + torch::randn({3, 3})),
                losing("logits from -200 to 200", torch::randn({4, 4}) * 100),
                losing("transposed logits", torch::randn({4, 4}).t())},
               1e-3},
              {"25.2",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {five_pairs, losing("5 pairs", logits), whole}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_25
