// 22: what is left of a distribution, one draft, and a round of drafts.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_22 {
namespace {

using Ids = std::vector<int64_t>;

int64_t draw(const torch::Tensor& p, double number) {
  return std::min(p.cumsum(0).le(number).sum().item<int64_t>(), p.size(0) - 1);
}

torch::Tensor residual(const torch::Tensor& p, const torch::Tensor& q, const Faults& faults) {
  if (faults["residual-is-p"]) return p;
  auto left = (p - q).clamp_min(0);
  if (faults["residual-absolute"]) left = (p - q).abs();
  if (faults["residual-reversed"]) left = (q - p).clamp_min(0);
  const bool nothing = left.sum().item<double>() == 0;
  if (nothing && !faults["residual-nan"]) return p;
  return faults["residual-unnormalised"] ? left : left / left.sum();
}

struct Choice {
  int64_t token = 0;
  bool accepted = false;
};

Choice choose(const torch::Tensor& p, const torch::Tensor& q, int64_t draft, double keep_number,
              double draw_number, const Faults& faults) {
  const double of_p = p[draft].item<double>(), of_q = q[draft].item<double>();
  double chance = of_p / of_q;
  if (faults["ratio-reversed"]) chance = of_q / of_p;
  if (faults["ratio-forgotten"]) chance = of_p;
  bool accepted = keep_number < chance;
  if (faults["kept-when-above"]) accepted = keep_number > chance;
  if (faults["no-chance"]) accepted = of_p >= of_q;
  if (accepted) return {draft, true};
  return {draw(faults["resampled-from-p"] ? p : residual(p, q, {}), draw_number), false};
}

Value speculate(const Probe& probe, const Faults& faults) {
  const auto p = probe.tensor(0), q = probe.tensor(1);
  const auto keep = probe.tensor(3), numbers = probe.tensor(4);
  const auto drafts = probe.arguments[2].toIntVector();
  const auto n = static_cast<int64_t>(drafts.size());
  Ids tokens;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t draft = drafts[static_cast<size_t>(i)];
    const auto choice =
        choose(p[i], q[i], draft, keep[i].item<double>(), numbers[i].item<double>(), faults);
    if (!choice.accepted && faults["rejected-kept"]) tokens.push_back(draft);
    tokens.push_back(choice.token);
    if (!choice.accepted && !faults["goes-on"]) return tokens;
  }
  if (faults["no-bonus"]) return tokens;
  const int64_t last = faults["bonus-from-last"] && n > 0 ? n - 1 : n;
  tokens.push_back(draw(p[last], numbers[n].item<double>()));
  return tokens;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "residual") return residual(probe.tensor(0), probe.tensor(1), faults);
  if (probe.function == "speculate") return speculate(probe, faults);
  const auto choice = choose(probe.tensor(0), probe.tensor(1), probe.integer(2), probe.real(3),
                             probe.real(4), faults);
  return std::make_tuple(choice.token, choice.accepted);
}

std::string row_text(const torch::Tensor& row) {
  std::string text;
  for (int64_t n = 0; n < row.numel(); ++n)
    text += (n ? ", " : "(") + describe_number(row[n].item<double>());
  return text + ")";
}

Verdict preserves_p(const Probe& probe, const Value& answer) {
  const auto p = probe.tensor(0);
  const auto got = answer.toTensor();
  if ((got - p).abs().max().item<double>() < 0.02) return {};
  return {"tokens come with the frequencies " + row_text(got) + ", the large model's are " +
          row_text(p)};
}

std::string as_row(const Probe&, const Value& answer) { return row_text(answer.toTensor()); }
std::string sum_of(const Probe&, const Value& answer) {
  return describe_number(answer.toTensor().sum().item<double>());
}
std::string choice_text(const Probe& probe, const Value& answer) {
  const auto& parts = answer.toTupleRef().elements();
  const int64_t draft = probe.integer(2);
  return "token " + std::to_string(parts[0].toInt()) +
         (parts[1].toBool() ? ", accepted" : ", a replacement") +
         ", for p(draft) = " + describe_number(probe.tensor(0)[draft].item<double>()) +
         ", q(draft) = " + describe_number(probe.tensor(1)[draft].item<double>()) + ", number " +
         describe_number(probe.real(3));
}
std::string round_text(const Probe& probe, const Value& answer) {
  return describe(answer) + " for the drafts " + describe(probe.arguments[2]);
}

Exercise make() {
  torch::manual_seed(22);
  const auto p = torch::tensor({0.5f, 0.3f, 0.2f}), q = torch::tensor({0.2f, 0.7f, 0.1f});
  const auto distribution = [](at::IntArrayRef shape) {
    return (torch::randn(shape) * 1.2).softmax(-1);
  };
  const auto p5 = distribution({5}), q5 = distribution({5});
  const auto one = [](int64_t token) { return torch::eye(4)[token].clone(); };
  const auto accepting = [](const std::string& what, const torch::Tensor& of_p,
                            const torch::Tensor& of_q, int64_t draft, double keep, double number) {
    return Probe{"accept_or_resample", what, {of_p, of_q, draft, keep, number}};
  };
  const auto round = [&](const std::string& what, const torch::Tensor& of_p,
                         const torch::Tensor& of_q, const Ids& drafts,
                         const std::vector<float>& keep) {
    const auto n = static_cast<int64_t>(drafts.size());
    return Probe{"speculate",
                 what,
                 {of_p, of_q, drafts, torch::tensor(keep, torch::kFloat), torch::rand({n + 1})}};
  };
  const auto p_rows = distribution({4, 6}), q_rows = distribution({3, 6});
  return {
      .name = "22_speculative_acceptance",
      .reference = reference,
      .faults = {{"residual-absolute", as_row},
                 {"residual-unnormalised", sum_of},
                 {"residual-reversed", as_row},
                 {"residual-is-p", as_row},
                 {"residual-nan", as_row},
                 {"ratio-reversed", choice_text},
                 {"ratio-forgotten", choice_text},
                 {"kept-when-above", choice_text},
                 {"no-chance", choice_text},
                 {"resampled-from-p", choice_text},
                 {"goes-on", round_text},
                 {"no-bonus", round_text},
                 {"bonus-from-last", round_text},
                 {"rejected-kept", round_text}},
      .checks = {
          {"22.1",
           Kind::kValues,
           2,
           "what is left of p",
           {{"residual", "p = (0.5, 0.3, 0.2), q = (0.2, 0.7, 0.1)", {p, q}},
            {"residual", "5 tokens", {p5, q5}}}},
          {"22.1",
           Kind::kOddSizes,
           1,
           "equal distributions, distributions apart, one token, every other entry",
           {{"residual", "p = q", {p5, p5.clone()}},
            {"residual", "all of p on token 1, all of q on token 3", {one(1), one(3)}},
            {"residual", "1 token", {torch::ones({1}), torch::ones({1})}},
            {"residual",
             "columns of a table",
             {distribution({3, 2}).t()[0], distribution({3, 2}).t()[1]}}}},
          {"22.2",
           Kind::kValues,
           2,
           "one draft",
           {accepting("draft 1, p/q = 3/7, number 0.4", p, q, 1, 0.4, 0.5),
            accepting("draft 1, p/q = 3/7, number 0.1", p, q, 1, 0.1, 0.9),
            accepting("draft 1, p/q = 3/7, number 0.6", p, q, 1, 0.6, 0.6),
            accepting("draft 1, p/q = 3/7, number 0.9", p, q, 1, 0.9, 0.9),
            accepting("draft 0, p/q = 2.5, number 0.99", p, q, 0, 0.99, 0.5),
            accepting("draft 2, p/q = 2, number 0.45", p, q, 2, 0.45, 0.05),
            accepting("draft 1, p/q = 3/7, number 0.5", p, q, 1, 0.5, 0.7),
            accepting("p = q, number 0.97", p5, p5.clone(), 3, 0.97, 0.5),
            accepting("p(draft) = 0, number 0", one(1), torch::full({4}, 0.25f), 3, 0.0, 0.5)}},
          {.part = "22.2",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "4,000 tokens follow the large model",
           .probes = {{"frequencies", "p = (0.5, 0.3, 0.2), q = (0.2, 0.7, 0.1)", {p, q, 4000}},
                      {"frequencies", "5 tokens", {p5, q5, 4000}}},
           .verify = preserves_p},
          {"22.3",
           Kind::kValues,
           2,
           "a round of drafts",
           {round("3 drafts, all accepted", p_rows, q_rows, {1, 4, 2}, {0.001f, 0.002f, 0.001f}),
            round("3 drafts, the second rejected", torch::stack({p5, q5, p5, q5}),
                  torch::stack({p5, torch::eye(5)[2], q5}), {0, 2, 1}, {0.5f, 0.999f, 0.001f}),
            round("3 drafts, the first rejected", torch::stack({q5, p5, q5, p5}),
                  torch::stack({torch::eye(5)[4], p5, q5}), {4, 1, 0}, {0.999f, 0.5f, 0.5f})}},
          {"22.3",
           Kind::kOddSizes,
           1,
           "no draft, one draft, all certain",
           {round("no draft", p_rows.narrow(0, 0, 1), torch::zeros({0, 6}), {}, {}),
            round("1 draft, accepted", p_rows.narrow(0, 0, 2), p_rows.narrow(0, 0, 1), {3}, {0.8f}),
            round("certain models that agree, then do not",
                  torch::eye(4).index_select(0, torch::tensor({2L, 0L, 1L})),
                  torch::eye(4).index_select(0, torch::tensor({2L, 3L})), {2, 3}, {0.9f, 0.1f})}},
          {"22.3",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {round("3 drafts", p_rows, q_rows, {1, 4, 2}, {0.3f, 0.6f, 0.9f}),
            accepting("1 draft", p, q, 1, 0.9, 0.9),
            {"residual", "5 tokens", {p5, q5}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_22
