// 32: a reduction over the threads of a block, and a row of attention in shared memory; accesses
// beyond an array and missing barriers cost marks of their own.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <string>
#include <vector>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_32 {
namespace {

torch::Tensor combine_all(const torch::Tensor& x, const Faults& faults) {
  const int64_t threads = x.size(0);
  auto part = x;
  if (faults["odd-thread-left-out"])
    for (int64_t count = threads; count > 1; count /= 2)
      part = part.narrow(0, 0, count / 2) + part.narrow(0, count / 2, count / 2);
  auto largest = x;
  if (faults["odd-thread-left-out"])
    for (int64_t count = threads; count > 1; count /= 2)
      largest =
          torch::maximum(largest.narrow(0, 0, count / 2), largest.narrow(0, count / 2, count / 2));
  const auto sum = part.sum();
  const auto all = torch::stack({sum.expand({threads}), largest.max().expand({threads})});
  if (!faults["first-thread-only"]) return all;
  auto own = torch::stack({x, x});
  own.select(1, 0).copy_(all.select(1, 0));
  return own;
}

torch::Tensor attend_row(const Probe& probe, const Faults& faults) {
  const auto q = probe.tensor(0), k = probe.tensor(1), v = probe.tensor(2);
  const int64_t T = q.size(0), S = k.size(0), Dh = q.size(1), threads = probe.integer(5);
  auto scores = q.matmul(k.t());
  if (!faults["scale-forgotten"]) scores = scores * probe.real(3);
  auto hidden = torch::zeros({T, S}, torch::kBool);
  if (probe.flag(4)) {
    const int64_t offset = faults["causal-from-the-first-key"] ? 0 : S - T;
    hidden = torch::ones({T, S}, torch::kBool).tril(offset).logical_not();
  }
  if (faults["mask-ignored"]) hidden.fill_(false);
  if (faults["one-key-per-thread"] && S > threads) hidden.narrow(1, threads, S - threads) = true;
  scores = scores.masked_fill(hidden, -INFINITY);
  const auto empty = hidden.all(-1, true);
  const auto top = scores.amax(-1, true).masked_fill(empty, 0.0);
  const auto weights = (scores - top).exp();
  const auto sum = weights.sum(-1, true);
  auto y = weights.matmul(v);
  if (!faults["never-divided"])
    y = y / (faults["empty-row-nan"] ? sum : sum.masked_fill(empty, 1.0));
  if (faults["one-number-per-thread"] && Dh > threads)
    y.narrow(1, threads, Dh - threads).fill_(-7.0);  // what stood there before
  return y;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "combine_all") return combine_all(probe.tensor(0), faults);
  return attend_row(probe, faults);
}

/// The machine's report, "" where the threads kept to the rules, and the result.
Verdict no_trouble(const Probe& probe, const Value& answer) {
  const auto& parts = answer.toTupleRef().elements();
  const auto& trouble = parts[0].toStringRef();
  const auto says = [&](const char* text) { return trouble.find(text) != std::string::npos; };
  if (says("leaves its array")) return {trouble, "missing-guard"};
  if (says("no barrier between")) return {trouble, "missing-barrier"};
  if (says("nobody has written")) return {trouble, "never-written"};
  if (!trouble.empty()) return {trouble, "barrier-not-reached"};
  const Probe same{probe.function.substr(std::string("watch_").size()), probe.what,
                   probe.arguments};
  if (distance(reference(same, {}), parts[1]) < 1e-4) return {};
  return {"the result is wrong"};
}

Exercise make() {
  torch::manual_seed(32);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes) * 1.5; };
  const auto threads = [&](int64_t count, bool backwards) {
    return Probe{"combine_all",
                 std::to_string(count) + " threads" + (backwards ? ", the last one first" : ""),
                 {random({count}), backwards}};
  };
  const auto attention = [&](const std::string& what, int64_t T, int64_t S, int64_t Dh,
                             double scale, bool causal, int64_t count, bool backwards = false) {
    return Probe{
        "attend_row",
        what,
        {random({T, Dh}), random({S, Dh}), random({S, Dh}), scale, causal, count, backwards}};
  };
  const auto watched = [](Probe probe) {
    probe.function = "watch_" + probe.function;
    return probe;
  };
  const auto hand = torch::tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f});
  auto large = attention("scores near 200", 3, 6, 4, 0.5, false, 4);
  large.arguments[0] = large.tensor(0) * 100;
  return {
      .name = "32_fused_kernel",
      .reference = reference,
      .faults = {{"odd-thread-left-out"},
                 {"first-thread-only"},
                 {"scale-forgotten"},
                 {"causal-from-the-first-key"},
                 {"mask-ignored"},
                 {"one-key-per-thread"},
                 {"one-number-per-thread"},
                 {"never-divided"},
                 {"empty-row-nan"}},
      .checks = {
          {.part = "32.1",
           .kind = Kind::kValues,
           .marks = 1,
           .title = "all threads get sum and maximum",
           .probes = {threads(8, false), threads(16, true), threads(2, false)}},
          {.part = "32.1",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "no power of two, one thread",
           .probes = {{"combine_all", "5 threads with 1, 2, 3, 4, 5", {hand, false}},
                      threads(7, true),
                      threads(33, false),
                      threads(1, false)}},
          {.part = "32.1",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "every access behind its barrier",
           .probes = {watched(threads(8, false)), watched(threads(5, false)),
                      watched(threads(33, false)), watched(threads(1, false))},
           .verify = no_trouble},
          {.part = "32.2",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "a row of attention",
           .probes = {attention("8 keys of width 8, 8 threads", 5, 8, 8, 0.6, false, 8),
                      attention("13 keys of width 3, 4 threads", 5, 13, 3, 0.6, false, 4),
                      attention("6 keys of width 10, 4 threads", 3, 6, 10, 0.4, false, 4),
                      attention("3 keys of width 2, 8 threads, the last one first", 5, 3, 2, 0.6,
                                false, 8, true)}},
          {.part = "32.2",
           .kind = Kind::kOddSizes,
           .marks = 2,
           .title = "causal, queries that see nothing, one of everything, large scores",
           .probes = {attention("5 queries, 5 keys, causal", 5, 5, 4, 0.6, true, 4),
                      attention("4 queries, 9 keys, causal", 4, 9, 4, 0.6, true, 5),
                      attention("6 queries, 4 keys, causal: 2 see nothing", 6, 4, 3, 0.6, true, 4),
                      attention("1 query, 1 key, width 1, 1 thread", 1, 1, 1, 1.3, false, 1),
                      large}},
          {.part = "32.2",
           .kind = Kind::kValues,
           .marks = 2,
           .title = "guards and barriers",
           .probes = {watched(attention("8 keys of width 8, 8 threads", 2, 8, 8, 0.6, false, 8)),
                      watched(attention("3 keys of width 2, 8 threads", 3, 3, 2, 0.6, false, 8)),
                      watched(
                          attention("13 keys of width 10, 4 threads", 2, 13, 10, 0.6, false, 4)),
                      watched(attention("6 queries, 4 keys, causal", 6, 4, 3, 0.6, true, 5))},
           .verify = no_trouble},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_32
