// 04: causal, window and padding masks, the last query at the last key.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_04 {
namespace {

torch::Tensor may_see(const torch::Tensor& mask, const Faults& faults) {
  return faults["inverted"] ? mask.logical_not() : mask;
}

/// [T, S]: how far back from each query a key lies; negative: ahead.
torch::Tensor distance_back(int64_t T, int64_t S, const Faults& faults) {
  const int64_t first = faults["aligned-to-first"] ? 0 : S - T;
  return torch::arange(T).unsqueeze(1) + first - torch::arange(S);
}

torch::Tensor causal(int64_t T, int64_t S, const Faults& faults) {
  const auto back = distance_back(T, S, faults);
  if (faults["looks-ahead"]) return back.le(0);
  if (faults["own-hidden"]) return back.gt(0);
  return back.ge(faults["next-seen"] ? -1 : 0);
}

torch::Tensor window(int64_t T, int64_t S, int64_t width, bool is_causal, const Faults& faults) {
  const auto back = distance_back(T, S, faults);
  if (faults["window-one-more"]) ++width;
  if (faults["window-one-fewer"]) --width;
  const auto near = back.lt(width);
  if (is_causal || faults["window-back-only"]) return near.logical_and(causal(T, S, faults));
  return near.logical_and(back.gt(-width));
}

torch::Tensor padding(const torch::Tensor& lengths, int64_t S, const Faults& faults) {
  const auto rows = lengths.view({-1, 1, 1, 1});
  const auto keys = torch::arange(S);
  if (faults["pads-in-front"]) return keys.ge(S - rows);
  return faults["length-one-more"] ? keys.le(rows) : keys.lt(rows);
}

torch::Tensor decoder(const Probe& probe, const Faults& faults) {
  const int64_t T = probe.integer(0), S = probe.integer(1);
  const bool windowed = !probe.arguments.at(2).isNone() && !faults["window-forgotten"];
  const auto pairs = windowed ? window(T, S, probe.integer(2), !faults["window-not-causal"], faults)
                              : causal(T, S, faults);
  const auto keys = padding(probe.tensor(3), S, faults);
  if (faults["padding-forgotten"]) return pairs.expand({keys.size(0), 1, T, S});
  return faults["either-is-enough"] ? keys.logical_or(pairs) : keys.logical_and(pairs);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "causal_mask")
    return may_see(causal(probe.integer(0), probe.integer(1), faults), faults);
  if (probe.function == "window_mask")
    return may_see(
        window(probe.integer(0), probe.integer(1), probe.integer(2), probe.flag(3), faults),
        faults);
  if (probe.function == "padding_mask")
    return may_see(padding(probe.tensor(0), probe.integer(1), faults), faults);
  return may_see(decoder(probe, faults), faults);
}

std::string last_row(const Probe& probe, const Value& answer) {
  const auto mask = answer.toTensor();
  const auto row = mask.reshape({-1, mask.size(-1)})[-1].to(torch::kLong);
  std::string text = probe.what + ": the last query gets ";
  for (int64_t s = 0; s < row.size(0); ++s) text += row[s].item<int64_t>() != 0 ? "1" : "0";
  return text;
}

Exercise make() {
  const auto lengths = torch::tensor({5, 2, 4}, torch::kLong);
  const auto many = torch::tensor({2000, 700}, torch::kLong);
  return {.name = "04_causal_mask",
          .reference = reference,
          .faults = {{"aligned-to-first", last_row},
                     {"looks-ahead", last_row},
                     {"own-hidden", last_row},
                     {"next-seen"},
                     {"inverted", last_row},
                     {"window-one-more"},
                     {"window-one-fewer"},
                     {"window-back-only"},
                     {"length-one-more"},
                     {"pads-in-front"},
                     {"window-forgotten"},
                     {"window-not-causal"},
                     {"padding-forgotten"},
                     {"either-is-enough"}},
          .checks = {
              {"04.1",
               Kind::kValues,
               2,
               "keys up to the query's own position",
               {{"causal_mask", "5 queries, 5 keys", {5, 5}},
                {"causal_mask", "3 queries, 5 keys", {3, 5}}}},
              {"04.1",
               Kind::kOddSizes,
               1,
               "one query, and more queries than keys",
               {{"causal_mask", "1 query, 4 keys", {1, 4}},
                {"causal_mask", "1 query, 1 key", {1, 1}},
                {"causal_mask", "4 queries, 2 keys", {4, 2}}}},
              {"04.2",
               Kind::kValues,
               2,
               "a window of keys",
               {{"window_mask", "6 queries, 6 keys, window 3, causal", {6, 6, 3, true}},
                {"window_mask", "3 queries, 6 keys, window 2, causal", {3, 6, 2, true}},
                {"window_mask", "5 queries, 7 keys, window 2, both sides", {5, 7, 2, false}}}},
              {"04.2",
               Kind::kOddSizes,
               1,
               "windows of one key, and wider than the text",
               {{"window_mask", "4 queries, 4 keys, window 1, both sides", {4, 4, 1, false}},
                {"window_mask", "3 queries, 5 keys, window 9, causal", {3, 5, 9, true}},
                {"window_mask", "1 query, 5 keys, window 2, causal", {1, 5, 2, true}},
                {"window_mask", "5 queries, 2 keys, window 3, both sides", {5, 2, 3, false}}}},
              {"04.3",
               Kind::kValues,
               1,
               "padding",
               {{"padding_mask", "lengths 5, 2, 4 of 5 keys", {lengths, 5}},
                {"padding_mask",
                 "lengths 0 and 1 of 3 keys",
                 {torch::tensor({0, 1}, torch::kLong), 3}}}},
              {"04.4",
               Kind::kValues,
               2,
               "all at once",
               {{"decoder_mask", "3 queries, 5 keys, lengths 5, 2, 4", {3, 5, Value(), lengths}},
                {"decoder_mask", "5 queries, 5 keys, window 2", {5, 5, 2, lengths}}}},
              {"04.4",
               Kind::kSideEffects,
               1,
               "arguments stay, and 2000 queries take a moment",
               {{"decoder_mask", "3 queries, 5 keys", {3, 5, Value(), lengths}},
                {"decoder_mask", "2000 queries, 2000 keys", {2000, 2000, Value(), many}},
                {"decoder_mask", "2000 queries, window 100", {2000, 2000, 100, many}}},
               1e-5,
               1.0},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_04
