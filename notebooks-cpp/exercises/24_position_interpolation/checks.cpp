// 24: weights of a cubic interpolation along one axis, and a table stretched along two.
#include <ATen/ops/upsample_bicubic2d.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_24 {
namespace {

double kernel(double d, const Faults& faults) {
  if (faults["linear"]) return std::max(0.0, 1 - d);
  const double a = faults["other-cubic"] ? -0.5 : -0.75;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return a * (((d - 5) * d + 8) * d - 4);
}

torch::Tensor weights(int64_t from, int64_t to, const Faults& faults) {
  const auto size = static_cast<double>(from), new_size = static_cast<double>(to);
  auto all = torch::zeros({to, from}, torch::kDouble);
  for (int64_t i = 0; i < to; ++i) {
    const auto n = static_cast<double>(i);
    double x = (n + 0.5) * size / new_size - 0.5;
    if (faults["half-cell-forgotten"]) x = n * size / new_size;
    if (faults["corners-aligned"]) x = to > 1 ? n * (size - 1) / (new_size - 1) : 0;
    const auto first =
        static_cast<int64_t>(faults["truncated"] ? std::trunc(x) : std::floor(x)) - 1;
    for (int64_t k = first; k < first + 4; ++k) {
      if (faults["borders-dropped"] && (k < 0 || k >= from)) continue;
      all[i][std::clamp<int64_t>(k, 0, from - 1)].add_(
          kernel(std::abs(x - static_cast<double>(k)), faults));
    }
  }
  return all;
}

torch::Tensor interpolated(const Probe& probe, const Faults& faults) {
  const auto table = probe.tensor(0);
  const int64_t prefix = probe.integer(1), rows = probe.integer(2), columns = probe.integer(3);
  const int64_t new_rows = probe.integer(4), new_columns = probe.integer(5), C = table.size(1);
  const auto kept = table.narrow(0, 0, prefix);
  const auto places = table.narrow(0, faults["prefix-as-patch"] ? 0 : prefix, rows * columns);
  if (faults["as-line"])
    return torch::cat(
        {kept, weights(rows * columns, new_rows * new_columns, faults).matmul(places)});
  auto grid = places.reshape({rows, columns, C});
  if (faults["table-by-columns"]) grid = places.reshape({columns, rows, C}).transpose(0, 1);
  const bool viewed = faults["channels-viewed"];
  const auto image =
      viewed ? places.reshape({C, rows, columns}) : grid.permute({2, 0, 1});  // [C, rows, columns]
  const auto resized =
      at::upsample_bicubic2d(image.unsqueeze(0), {new_rows, new_columns}, /*align_corners=*/false)
          .squeeze(0);  // [C, new_rows, new_columns]
  auto stretched = resized.permute({1, 2, 0});
  if (faults["result-by-columns"]) stretched = resized.permute({2, 1, 0});
  auto flat = stretched.reshape({new_rows * new_columns, C});
  if (viewed) flat = resized.reshape({new_rows * new_columns, C});
  return faults["prefix-last"] ? torch::cat({flat, kept}) : torch::cat({kept, flat});
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "cubic_weights") return weights(probe.integer(0), probe.integer(1), faults);
  return interpolated(probe, faults);
}

std::string numbers(const torch::Tensor& row) {
  std::string text;
  const int64_t count = std::min<int64_t>(5, row.numel());
  for (int64_t n = 0; n < count; ++n)
    text += (n ? ", " : "(") + describe_number(row[n].item<double>());
  return text + (count < row.numel() ? ", ...)" : ")");
}
std::string first_row(const Probe&, const Value& answer) { return numbers(answer.toTensor()[0]); }
std::string sum_of_first(const Probe&, const Value& answer) {
  return describe_number(answer.toTensor()[0].sum().item<double>());
}
std::string patch(const Probe& probe, const Value& answer, int64_t n) {
  const int64_t row = std::min(probe.integer(1) + n, answer.toTensor().size(0) - 1);
  return numbers(answer.toTensor()[row]);
}
std::string patch_0(const Probe& probe, const Value& answer) { return patch(probe, answer, 0); }
std::string patch_1(const Probe& probe, const Value& answer) { return patch(probe, answer, 1); }

Exercise make() {
  torch::manual_seed(24);
  const auto weighing = [](int64_t from, int64_t to) {
    return Probe{
        "cubic_weights", std::to_string(from) + " entries to " + std::to_string(to), {from, to}};
  };
  const auto stretching = [](const std::string& what, int64_t prefix, int64_t rows, int64_t columns,
                             int64_t new_rows, int64_t new_columns, int64_t C) {
    return Probe{
        "interpolate_positions",
        what,
        {torch::randn({prefix + rows * columns, C}), prefix, rows, columns, new_rows, new_columns}};
  };
  const auto larger = stretching("a class token, 3 x 5 to 4 x 7, C = 2", 1, 3, 5, 4, 7, 2);
  const auto smaller = stretching("2 tokens in front, 6 x 4 to 3 x 5, C = 3", 2, 6, 4, 3, 5, 3);
  const auto strided = Probe{
      "interpolate_positions", "a transposed table", {torch::randn({3, 13}).t(), 1, 4, 3, 5, 6}};
  return {.name = "24_position_interpolation",
          .reference = reference,
          .faults = {{"corners-aligned", first_row},
                     {"half-cell-forgotten", first_row},
                     {"borders-dropped", sum_of_first},
                     {"truncated", first_row},
                     {"linear", first_row},
                     {"other-cubic", first_row},
                     {"as-line", patch_0, true},
                     {"table-by-columns", patch_1},
                     {"result-by-columns", patch_1},
                     {"channels-viewed", patch_0, true},
                     {"prefix-last", first_row},
                     {"prefix-as-patch", patch_0}},
          .checks = {
              {"24.1",
               Kind::kValues,
               2,
               "weights along one axis",
               {weighing(4, 8), weighing(3, 5), weighing(7, 4)}},
              {"24.1",
               Kind::kOddSizes,
               1,
               "the same size, and one entry for all",
               {weighing(5, 5), weighing(1, 1), weighing(1, 3)}},
              {"24.1",
               Kind::kOddSizes,
               1,
               "to one entry, and far apart",
               {weighing(4, 1), weighing(2, 9), weighing(9, 2)}},
              {"24.2", Kind::kShape, 1, "one row for each token and each place", {larger, smaller}},
              {"24.2",
               Kind::kValues,
               2,
               "stretched tables",
               {larger, smaller,
                stretching("no class token, 2 x 6 to 5 x 4, C = 3", 0, 2, 6, 5, 4, 3)}},
              {"24.2", Kind::kGradients, 1, "gradients of the table", {larger}},
              {"24.2",
               Kind::kOddSizes,
               1,
               "the same grid, one row, one place, a transposed table",
               {stretching("the same grid", 1, 3, 4, 3, 4, 2),
                stretching("1 x 5 to 2 x 3", 1, 1, 5, 2, 3, 2),
                stretching("1 x 1 to 3 x 2", 1, 1, 1, 3, 2, 4), strided}},
              {"24.2", Kind::kSideEffects, 1, "arguments stay as they were", {larger, strided}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_24
