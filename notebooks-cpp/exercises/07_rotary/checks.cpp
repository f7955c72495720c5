// 07: frequencies, angles, the rotation of pairs, and scores that see distances only.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_07 {
namespace {

torch::Tensor frequencies_of(int64_t width, double base, const Faults& faults) {
  auto exponents = torch::arange(0, width, 2, torch::kDouble) / width;
  if (faults["exponent-without-two"]) exponents = exponents / 2;
  if (faults["width-halved-twice"]) exponents = exponents * 2;
  return torch::pow(base, faults["faster-and-faster"] ? exponents : -exponents);
}

struct Turn {
  torch::Tensor cos, sin;
};

Turn turn_by(const torch::Tensor& given, const torch::Tensor& frequencies, const Faults& faults) {
  auto positions = given;
  if (faults["positions-from-one"]) positions = given + 1;
  if (faults["positions-ignored"]) positions = torch::arange(given.size(1)).expand_as(given);
  const auto angles = positions.to(torch::kDouble).unsqueeze(-1) * frequencies;
  const auto twice = faults["angles-interleaved"] ? angles.repeat_interleave(2, -1)
                                                  : torch::cat({angles, angles}, -1);
  return {twice.unsqueeze(1).cos(), twice.unsqueeze(1).sin()};
}

torch::Tensor rotated(const torch::Tensor& x, const Turn& turn, const Faults& faults) {
  const int64_t wide = turn.cos.size(-1), n = wide / 2;
  const auto head = x.narrow(-1, 0, wide), rest = x.slice(-1, wide);
  auto cos = turn.cos, sin = faults["turned-back"] ? -turn.sin : turn.sin;
  torch::Tensor quarter;
  if (faults["neighbours-paired"] || faults["neighbours-turned"]) {
    const auto even = head.slice(-1, 0, wide, 2), odd = head.slice(-1, 1, wide, 2);
    quarter = torch::stack({-odd, even}, -1).flatten(-2);
    if (faults["neighbours-turned"]) {
      cos = cos.narrow(-1, 0, n).repeat_interleave(2, -1);
      sin = sin.narrow(-1, 0, n).repeat_interleave(2, -1);
    }
  } else {
    const auto first = head.narrow(-1, 0, n), second = head.narrow(-1, n, n);
    quarter = torch::cat({faults["sign-forgotten"] ? second : -second, first}, -1);
  }
  return torch::cat({head * cos + quarter * sin, rest}, -1);
}

torch::Tensor scores(const Probe& probe, const Faults& faults) {
  const auto q = probe.tensor(0), k = probe.tensor(1);
  const auto frequencies = frequencies_of(q.size(-1), probe.real(4), faults);
  const auto rotated_q = rotated(q, turn_by(probe.tensor(2), frequencies, faults), faults);
  const auto keys_at = faults["keys-at-query-positions"] ? probe.tensor(2) : probe.tensor(3);
  const auto rotated_k =
      faults["keys-unrotated"] ? k : rotated(k, turn_by(keys_at, frequencies, faults), faults);
  const double width = faults["no-scale"] ? 1 : static_cast<double>(q.size(-1));
  return rotated_q.matmul(rotated_k.mT()) / std::sqrt(width);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "rotary_frequencies")
    return frequencies_of(probe.integer(0), probe.real(1), faults);
  if (probe.function == "rotary_scores") return scores(probe, faults);
  if (probe.function == "rotate_by_hundredths") {
    const auto hundredths = probe.tensor(1).to(torch::kDouble) / 100;
    return rotated(probe.tensor(0), {hundredths.cos(), hundredths.sin()}, faults);
  }
  if (probe.function == "rotate")
    return rotated(probe.tensor(0), {probe.tensor(1), probe.tensor(2)}, faults);
  const auto turn = turn_by(probe.tensor(0), probe.tensor(1), faults);
  return c10::ivalue::Tuple::create({turn.cos, turn.sin});
}

Exercise make() {
  torch::manual_seed(7);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes); };
  const auto longs = [](at::IntArrayRef values, at::IntArrayRef sizes) {
    return torch::tensor(values, torch::kLong).view(sizes);
  };
  // Angles of 3 tokens in 2 sequences, each twice; random, so that no position is assumed.
  const auto twice = [](int64_t B, int64_t T, int64_t n) {
    const auto angles = torch::randn({B, 1, T, n}) * 2;
    return torch::cat({angles, angles}, -1);
  };
  const auto angles = twice(2, 3, 2), few = twice(2, 3, 1);
  const auto hundredths = (angles * 100).to(torch::kLong);
  const auto x = random({2, 2, 3, 4}), wide = random({2, 2, 3, 5});
  const auto positions = longs({0, 1, 2, 7, 3, 11}, {2, 3});
  const auto q = random({1, 2, 3, 4}), k = random({1, 2, 5, 4});
  const auto late = longs({2, 3, 4}, {1, 3}), all = longs({0, 1, 2, 3, 4}, {1, 5});
  return {
      .name = "07_rotary",
      .reference = reference,
      .faults = {{"exponent-without-two"},
                 {"width-halved-twice"},
                 {"faster-and-faster"},
                 {"positions-from-one"},
                 {"positions-ignored"},
                 {"angles-interleaved"},
                 {"turned-back"},
                 {"sign-forgotten"},
                 {"neighbours-paired"},
                 {"neighbours-turned"},
                 {"keys-at-query-positions"},
                 {"keys-unrotated"},
                 {"no-scale"}},
      .checks = {
          {"07.1",
           Kind::kValues,
           1,
           "an angle per step for each pair",
           {{"rotary_frequencies", "head width 6, base 10000", {6, 10000.0}},
            {"rotary_frequencies", "head width 2, base 100", {2, 100.0}},
            {"rotary_frequencies", "head width 8, base 100", {8, 100.0}}}},
          {"07.2",
           Kind::kValues,
           2,
           "cosines and sines of given positions",
           {{"rotation",
             "positions 0 1 2 and 7 3 11, two frequencies",
             {positions, torch::tensor({1.0f, 0.1f})}},
            {"rotation", "one position, one frequency", {longs({5}, {1, 1}), torch::ones({1})}}}},
          {"07.3",
           Kind::kValues,
           2,
           "pairs turn",
           {{"rotate",
             "(1, 0) by a quarter turn",
             {torch::tensor({1.0f, 0.0f}).view({1, 1, 1, 2}), torch::zeros({1, 1, 1, 2}),
              torch::ones({1, 1, 1, 2})}},
            {"rotate", "2 heads, 3 tokens, width 4", {x, angles.cos(), angles.sin()}}}},
          {"07.3",
           Kind::kOddSizes,
           1,
           "only the first numbers turn",
           {{"rotate", "the first 2 of 5 numbers", {wide, few.cos(), few.sin()}},
            {"rotate",
             "the first 4 of 5 numbers, tokens not contiguous",
             {random({2, 3, 2, 5}).transpose(1, 2), angles.cos(), angles.sin()}}}},
          {"07.3",
           Kind::kGradients,
           1,
           "gradients turn back",
           {{"rotate_by_hundredths", "2 heads, 3 tokens, width 4", {x, hundredths}}}},
          {"07.4",
           Kind::kValues,
           2,
           "scores of rotated queries and keys",
           {{"rotary_scores", "3 queries at 2 3 4, 5 keys", {q, k, late, all, 100.0}},
            {"rotary_scores", "the same, 60 tokens later", {q, k, late + 60, all + 60, 100.0}},
            {"rotary_scores",
             "3 queries at 7 3 11, 3 keys at 0 1 2",
             {q, k.narrow(2, 0, 3), longs({7, 3, 11}, {1, 3}), longs({0, 1, 2}, {1, 3}), 10000.0}},
            {"rotary_scores",
             "one query of two sequences",
             {random({2, 1, 1, 6}), random({2, 1, 2, 6}), longs({4, 9}, {2, 1}),
              longs({3, 4, 8, 9}, {2, 2}), 10000.0}}},
           3e-5},
          {"07.4",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {{"rotary_scores", "3 queries at 2 3 4, 5 keys", {q, k, late, all, 100.0}},
            {"rotate", "2 heads, 3 tokens, width 4", {x, angles.cos(), angles.sin()}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_07
