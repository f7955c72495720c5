// 08: slopes for any number of heads, the penalty by distance, and its dense form.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_08 {
namespace {

/// Of a power of two.
torch::Tensor series(int64_t n, const Faults& faults) {
  const auto h = torch::arange(1, n + 1, torch::kDouble);
  if (faults["slopes-from-one"]) return torch::pow(2.0, -8.0 / double(n) * (h - 1));
  if (faults["slopes-of-eight-heads"]) return torch::pow(2.0, -h);
  return torch::pow(2.0, -8.0 / double(n) * h);
}

torch::Tensor slopes_of(int64_t H, const Faults& faults) {
  if (faults["one-series-for-all"] || faults["slopes-of-eight-heads"]) return series(H, faults);
  int64_t n = 1;
  while (2 * n <= H) n *= 2;
  const int64_t more = H - n;
  if (more == 0) return series(n, faults);
  const auto extra = series(2 * n, faults);
  if (faults["cut-from-a-longer-series"]) return extra.narrow(0, 0, H);
  if (faults["extra-without-gaps"])
    return torch::cat({series(n, faults), extra.narrow(0, 0, more)});
  return torch::cat({series(n, faults), extra.slice(0, 0, 2 * more, 2)});
}

torch::Tensor table_of(const torch::Tensor& slopes, int64_t T, int64_t S, const Faults& faults) {
  const int64_t own = faults["aligned-to-first"] ? T - 1 : S - 1;
  auto ahead = (torch::arange(T + S - 1) - own).to(torch::kDouble);
  if (faults["own-key-penalised"]) ahead = ahead - 1;
  if (faults["later-keys-penalised"])
    ahead = -ahead.abs();
  else if (!faults["later-keys-rewarded"])
    ahead = ahead.clamp_max(0);
  if (faults["far-keys-rewarded"]) ahead = -ahead;
  if (faults["table-reversed"]) ahead = ahead.flip(0);
  return slopes.unsqueeze(1) * ahead;
}

torch::Tensor dense(const torch::Tensor& table, int64_t S, const Faults& faults) {
  const int64_t T = table.size(1) - S + 1;
  const auto t = torch::arange(T).unsqueeze(1), s = torch::arange(S).unsqueeze(0);
  auto entry = s - t + T - 1;
  if (faults["rows-upside-down"]) entry = s + t;
  if (faults["distance-turned"]) entry = t - s + S - 1;
  if (faults["rows-all-alike"]) entry = s + 0 * t;
  return table.index({torch::indexing::Slice(), entry});
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "alibi_slopes") return slopes_of(probe.integer(0), faults);
  if (probe.function == "dense_bias") return dense(probe.tensor(0), probe.integer(1), faults);
  return table_of(probe.tensor(0), probe.integer(1), probe.integer(2), faults);
}

Exercise make() {
  torch::manual_seed(8);
  const auto slopes = torch::tensor({0.5f, 0.25f, 0.07f});
  const auto half = torch::tensor({0.5f});
  const auto table = torch::randn({3, 7});
  return {.name = "08_alibi",
          .reference = reference,
          .faults = {{"slopes-from-one"},
                     {"slopes-of-eight-heads"},
                     {"one-series-for-all"},
                     {"cut-from-a-longer-series"},
                     {"extra-without-gaps"},
                     {"aligned-to-first"},
                     {"own-key-penalised"},
                     {"later-keys-penalised"},
                     {"later-keys-rewarded"},
                     {"far-keys-rewarded"},
                     {"table-reversed"},
                     {"rows-upside-down"},
                     {"distance-turned"},
                     {"rows-all-alike"}},
          .checks = {
              {"08.1",
               Kind::kValues,
               2,
               "slopes of a power of two",
               {{"alibi_slopes", "8 heads", {8}},
                {"alibi_slopes", "4 heads", {4}},
                {"alibi_slopes", "16 heads", {16}}}},
              {"08.1",
               Kind::kOddSizes,
               2,
               "slopes of other numbers of heads",
               {{"alibi_slopes", "6 heads", {6}},
                {"alibi_slopes", "12 heads", {12}},
                {"alibi_slopes", "3 heads", {3}},
                {"alibi_slopes", "1 head", {1}}}},
              {"08.2",
               Kind::kValues,
               2,
               "the penalty grows with the distance",
               {{"alibi_relative_bias", "slope 1/2, 2 queries, 3 keys", {half, 2, 3}},
                {"alibi_relative_bias", "3 heads, 4 queries, 4 keys", {slopes, 4, 4}},
                {"alibi_relative_bias", "3 heads, 2 queries, 6 keys", {slopes, 2, 6}}}},
              {"08.2",
               Kind::kOddSizes,
               1,
               "one query, one key, more queries than keys",
               {{"alibi_relative_bias", "1 query, 5 keys", {slopes, 1, 5}},
                {"alibi_relative_bias", "1 query, 1 key", {slopes, 1, 1}},
                {"alibi_relative_bias", "4 queries, 2 keys", {slopes, 4, 2}}}},
              {"08.3",
               Kind::kValues,
               1,
               "every entry in its place",
               {{"dense_bias", "a table of 7: 3 queries, 5 keys", {table, 5}},
                {"dense_bias", "a table of 7: 5 queries, 3 keys", {table, 3}},
                {"dense_bias", "a table of 7: 1 query", {table, 7}}}},
              {"08.3",
               Kind::kGradients,
               1,
               "a table that is learned, as T5's",
               {{"dense_bias", "a table of 7: 3 queries, 5 keys", {table, 5}}}},
              {"08.3",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {{"dense_bias", "a table of 7: 3 queries, 5 keys", {table, 5}},
                {"alibi_relative_bias", "2 queries, 6 keys", {slopes, 2, 6}}}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_08
