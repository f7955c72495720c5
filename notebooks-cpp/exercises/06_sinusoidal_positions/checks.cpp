// 06: the table of sines and cosines, looked up by position, and its shift as a matrix.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_06 {
namespace {

torch::Tensor table_of(int64_t P, int64_t C, const Faults& faults) {
  const auto count = faults["positions-from-one"] ? torch::arange(1, P + 1, torch::kDouble)
                                                  : torch::arange(P, torch::kDouble);
  const auto positions = count.unsqueeze(1);
  const auto channels = torch::arange(C, torch::kDouble);
  auto exponents = (channels - channels.remainder(2)) / C;  // 2i / C for both of a pair
  if (faults["exponent-without-two"]) exponents = exponents / 2;
  if (faults["cosine-of-its-own"]) exponents = channels / C;
  if (faults["faster-and-faster"]) exponents = -exponents;
  const auto angles = positions * torch::pow(10000.0, -exponents);  // [P, C]
  const auto even = channels.remainder(2).eq(0);
  const auto sines = faults["cosine-first"] ? even.logical_not() : even;
  const auto pairs = torch::where(sines, angles.sin(), angles.cos());
  if (!faults["sines-then-cosines"]) return pairs;
  return torch::cat({pairs.slice(1, 0, C, 2), pairs.slice(1, 1, C, 2)}, 1);
}

torch::Tensor shift(int64_t steps, int64_t C, const Faults& faults) {
  auto M = torch::zeros({C, C}, torch::kDouble);
  const double sign = faults["turned-back"] ? -1 : 1;
  for (int64_t c = 0; c < C; c += 2) {
    const double share = static_cast<double>(c) / static_cast<double>(C);
    const double slow = faults["one-angle-for-all"] ? 1 : std::pow(10000.0, share);
    const double angle = static_cast<double>(steps) / slow;
    M[c][c] = M[c + 1][c + 1] = std::cos(angle);
    M[c][c + 1] = sign * std::sin(angle);
    M[c + 1][c] = -sign * std::sin(angle);
  }
  return M;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "sinusoidal_table")
    return table_of(probe.integer(0), probe.integer(1), faults);
  if (probe.function == "shift_matrix") return shift(probe.integer(0), probe.integer(1), faults);
  const auto x = probe.tensor(0), table = probe.tensor(1), positions = probe.tensor(2);
  if (faults["positions-ignored"]) return x + table.narrow(0, 0, x.size(1));
  if (faults["table-scaled"])
    return x * std::sqrt(static_cast<double>(x.size(-1))) + table.index({positions});
  return x + table.index({positions});
}

Exercise make() {
  torch::manual_seed(6);
  const auto table = torch::randn({7, 4});
  const auto x = torch::randn({2, 3, 4});
  const auto later = torch::tensor({{4, 5, 6}, {0, 0, 1}}, torch::kLong);
  return {.name = "06_sinusoidal_positions",
          .reference = reference,
          .faults = {{"positions-from-one"},
                     {"exponent-without-two"},
                     {"cosine-of-its-own"},
                     {"faster-and-faster"},
                     {"cosine-first"},
                     {"sines-then-cosines"},
                     {"positions-ignored"},
                     {"table-scaled"},
                     {"turned-back"},
                     {"one-angle-for-all"}},
          .checks = {
              {"06.1",
               Kind::kValues,
               3,
               "a sine and a cosine for each circle",
               {{"sinusoidal_table", "4 positions, C = 2", {4, 2}},
                {"sinusoidal_table", "3 positions, C = 6", {3, 6}},
                {"sinusoidal_table", "5 positions, C = 4", {5, 4}}},
               3e-5},
              {"06.1",
               Kind::kOddSizes,
               1,
               "odd widths, one position",
               {{"sinusoidal_table", "3 positions, C = 3", {3, 3}},
                {"sinusoidal_table", "1 position, C = 4", {1, 4}},
                {"sinusoidal_table", "3 positions, C = 1", {3, 1}}},
               3e-5},
              {"06.2",
               Kind::kValues,
               1,
               "rows of the table at the positions",
               {{"add_positions", "positions 4 5 6 and 0 0 1", {x, table, later}},
                {"add_positions",
                 "positions 2 3 4 for both sequences",
                 {x, table, torch::tensor({{2, 3, 4}}, torch::kLong)}}}},
              {"06.2",
               Kind::kGradients,
               2,
               "gradients of x and of the table",
               {{"add_positions", "positions 4 5 6 and 0 0 1", {x, table, later}}}},
              {"06.2",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {{"add_positions", "positions 4 5 6 and 0 0 1", {x, table, later}}}},
              {"06.3",
               Kind::kValues,
               2,
               "a matrix that moves every position",
               {{"shift_matrix", "1 step, C = 2", {1, 2}},
                {"shift_matrix", "3 steps, C = 6", {3, 6}},
                {"shift_matrix", "2 steps back, C = 4", {-2, 4}},
                {"shift_matrix", "no step, C = 4", {0, 4}}},
               3e-5},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_06
