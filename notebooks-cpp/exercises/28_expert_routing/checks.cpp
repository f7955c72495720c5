// 28: a router's choices, capacity, the weighted sum of experts, the loss that keeps them busy.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/28_expert_routing/experts.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_28 {
namespace {

using torch::Tensor;

Value routes(const Tensor& logits, int64_t k, bool renormalise, const Faults& faults) {
  const auto p = torch::softmax(logits, faults["softmax-over-tokens"] ? 0 : -1);
  const auto found = p.topk(k, -1, !faults["least-probable"]);
  const auto chosen = std::get<1>(found);
  auto weights = std::get<0>(found);
  if (faults["always-renormalised"]) renormalise = true;
  if (faults["never-renormalised"]) renormalise = false;
  if (faults["logits-as-weights"]) weights = logits.gather(-1, chosen);
  if (renormalise)
    weights =
        faults["softmax-twice"] ? torch::softmax(weights, -1) : weights / weights.sum(-1, true);
  return c10::ivalue::Tuple::create({weights, chosen});
}

Tensor fits(const Tensor& chosen, int64_t n_experts, int64_t capacity, const Faults& faults) {
  const bool by_token = faults["token-order"];
  const auto queue = (by_token ? chosen : chosen.t()).reshape({-1});
  const auto wants = queue.unsqueeze(-1) == torch::arange(n_experts);
  auto place = wants.cumsum(0).gather(1, queue.unsqueeze(-1)).squeeze(-1);
  if (faults["full-expert-drops-all"]) place = wants.sum(0).index_select(0, queue);
  if (faults["one-queue-for-all"]) place = torch::arange(1, queue.size(0) + 1);
  if (faults["one-too-many"]) ++capacity;
  if (faults["one-too-few"]) --capacity;
  const auto kept = place <= capacity;
  if (by_token) return kept.reshape(chosen.sizes());
  return kept.reshape({chosen.size(1), chosen.size(0)}).t();
}

Tensor mix(const Probe& probe, const Faults& faults, std::vector<int64_t>& rows) {
  const auto x = probe.tensor(0), weights = probe.tensor(1), chosen = probe.tensor(2);
  const auto kept =
      faults["kept-ignored"] ? torch::ones_like(chosen, torch::kBool) : probe.tensor(3);
  const int64_t E = probe.tensor(4).size(0);
  rows.assign(static_cast<size_t>(E), 0);
  const auto experts = experts_of(probe.tensor(4), probe.tensor(5), rows);
  auto y = torch::zeros_like(x);
  for (int64_t e = 0; e < E; ++e) {
    const auto mine = (chosen == e).logical_and(kept).nonzero();
    const auto token = mine.select(1, 0), choice = mine.select(1, 1);
    auto weight = weights.index({token, choice}).unsqueeze(-1);
    if (faults["first-weight-for-all"]) weight = weights.index({token, 0}).unsqueeze(-1);
    if (faults["weights-ignored"]) weight = torch::ones_like(weight);
    const auto in = x.index_select(0, token);
    const Expert& expert = experts.at(static_cast<size_t>(e));
    const auto out = faults["weighted-input"] ? expert(weight * in) : weight * expert(in);
    y = faults["overwritten"] ? y.index_put({token}, out) : y.index_add(0, token, out);
  }
  if (faults["all-experts-run"]) rows.assign(rows.size(), x.size(0));
  return y;
}

Tensor balance(const Tensor& logits, double alpha, const Faults& faults) {
  const auto N = static_cast<double>(logits.size(0)), E = static_cast<double>(logits.size(1));
  const auto p = torch::softmax(logits, faults["softmax-over-tokens"] ? 0 : -1);
  const auto first = (p.argmax(-1, true) == torch::arange(logits.size(1))).to(torch::kDouble);
  auto f = faults["probabilities-twice"] ? p.mean(0) : first.mean(0);
  if (faults["counts-not-shares"]) f = f * N;
  auto P = p.mean(0);
  if (faults["only-own-tokens"]) P = (p * first).sum(0) / first.sum(0).clamp_min(1);
  auto loss = (f * P).sum();
  if (!faults["no-alpha"]) loss = loss * alpha;
  if (faults["mean-over-experts-and-factor"]) return loss / E;
  return faults["no-factor-of-experts"] ? loss : loss * E;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "route")
    return routes(probe.tensor(0), probe.integer(1), probe.flag(2), faults);
  if (probe.function == "within_capacity")
    return fits(probe.tensor(0), probe.integer(1), probe.integer(2), faults);
  if (probe.function == "balance_loss") return balance(probe.tensor(0), probe.real(1), faults);
  std::vector<int64_t> rows;
  const auto y = mix(probe, faults, rows);
  return probe.function == "rows_of_experts" ? torch::tensor(rows) : y;
}

Exercise make() {
  torch::manual_seed(28);
  const auto route_probe = [](const std::string& what, const Tensor& logits, int64_t k,
                              bool renormalise) {
    return Probe{"route", what, {logits, k, renormalise}};
  };
  const auto capacity = [](const std::string& what, const Tensor& chosen, int64_t E, int64_t C) {
    return Probe{"within_capacity", what, {chosen, E, C}};
  };
  const auto mixture_probe = [](const std::string& what, int64_t N, int64_t C, int64_t E, int64_t k,
                                double kept) {
    const auto found = torch::softmax(torch::randn({N, E}) * 1.5, -1).topk(k, -1);
    return Probe{
        "mixture",
        what,
        {torch::randn({N, C}) * 1.5, std::get<0>(found), std::get<1>(found),
         torch::rand({N, k}) < kept, torch::randn({E, C + 1, C}), torch::randn({E, C, C + 1})}};
  };
  const auto rows = [](Probe probe) {
    probe.function = "rows_of_experts";
    return probe;
  };
  const auto loss = [](const std::string& what, const Tensor& logits, double alpha) {
    return Probe{"balance_loss", what, {logits, alpha}};
  };
  const auto logits = torch::randn({5, 4}) * 1.5;
  const auto by_hand = torch::tensor({{0.5f, 0.3f, 0.2f}}).log();
  const auto wanted = torch::tensor({{0, 1}, {1, 0}, {0, 2}, {0, 1}, {1, 2}, {2, 0}});
  const auto all_kept = mixture_probe("5 tokens, 4 experts, k = 2", 5, 3, 4, 2, 2);
  const auto dropped =
      mixture_probe("7 tokens, 4 experts, k = 3, dropped choices", 7, 3, 4, 3, 0.6);
  const auto nothing = mixture_probe("2 tokens, all choices dropped", 2, 3, 4, 2, 0);
  const auto one = mixture_probe("one token, one expert", 1, 2, 1, 1, 2);
  return {
      .name = "28_expert_routing",
      .reference = reference,
      .faults = {{"softmax-over-tokens"},
                 {"always-renormalised", {}, true},
                 {"never-renormalised", {}, true},
                 {"softmax-twice", {}, true},
                 {"logits-as-weights", {}, true},
                 {"least-probable"},
                 {"token-order"},
                 {"one-too-many"},
                 {"one-too-few"},
                 {"full-expert-drops-all", {}, true},
                 {"one-queue-for-all", {}, true},
                 {"weights-ignored"},
                 {"first-weight-for-all"},
                 {"weighted-input"},
                 {"overwritten"},
                 {"kept-ignored"},
                 {"all-experts-run", {}, true},
                 {"no-factor-of-experts"},
                 {"mean-over-experts-and-factor", {}, true},
                 {"counts-not-shares"},
                 {"probabilities-twice"},
                 {"only-own-tokens"},
                 {"no-alpha"}},
      .checks = {
          {"28.1",
           Kind::kValues,
           1,
           "the most probable experts and their weights",
           {route_probe("5 tokens, 4 experts, k = 2, renormalised", logits, 2, true),
            route_probe("5 tokens, 4 experts, k = 2", logits, 2, false),
            route_probe("the numbers of README.md", by_hand, 2, true)}},
          {"28.1",
           Kind::kOddSizes,
           1,
           "one expert chosen, all chosen, large logits",
           {route_probe("k = 1", torch::randn({3, 5}), 1, false),
            route_probe("k = 1, renormalised", torch::randn({3, 5}), 1, true),
            route_probe("k = E = 3, renormalised", torch::randn({4, 3}), 3, true),
            route_probe("one token, one expert", torch::randn({1, 1}), 1, false),
            route_probe("logits up to 300", torch::tensor({{300.0f, 299.0f, -100.0f}}), 2, true)}},
          {"28.2",
           Kind::kValues,
           1,
           "first come, first served",
           {capacity("6 tokens, 3 experts, k = 1, room for 2", wanted.narrow(1, 0, 1), 3, 2),
            capacity("6 tokens, 3 experts, k = 2, room for 3", wanted, 3, 3)}},
          {"28.2",
           Kind::kOddSizes,
           1,
           "no room, room for all, one token",
           {capacity("no room", wanted, 3, 0), capacity("room for 12", wanted, 3, 12),
            capacity("room for 1", wanted, 3, 1),
            capacity("one token, 5 experts", torch::tensor({{3, 1, 4}}), 5, 1)}},
          {"28.3", Kind::kValues, 1, "a weighted sum of experts", {all_kept, dropped}},
          {"28.3",
           Kind::kOddSizes,
           1,
           "each expert gets its rows only; nothing kept, one of each",
           {rows(all_kept), rows(dropped), nothing, one}},
          {"28.3", Kind::kGradients, 1, "gradients of x, weights and experts", {all_kept, dropped}},
          {"28.3",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {all_kept, dropped, route_probe("5 tokens", logits, 2, true),
            capacity("6 tokens", wanted, 3, 2), loss("5 tokens", logits, 0.5)}},
          {"28.4",
           Kind::kValues,
           1,
           "the loss of an uneven router",
           {loss("5 tokens, 4 experts", logits, 0.5),
            loss("9 tokens, 3 experts, most for one", torch::randn({9, 3}) * 2, 3)}},
          {"28.4",
           Kind::kGradients,
           1,
           "gradients through the probabilities",
           {loss("5 tokens, 4 experts", logits, 2), loss("one token", torch::randn({1, 3}), 2)}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_28
