// 20: what filters leave of a distribution, and which token a number draws.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_20 {
namespace {

constexpr double kRemoved = -std::numeric_limits<double>::infinity();

torch::Tensor at_temperature(const torch::Tensor& logits, double temperature,
                             const Faults& faults) {
  if (faults["temperature-multiplies"]) return (logits * temperature).softmax(-1);
  if (faults["temperature-ignored"]) return logits.softmax(-1);
  return (logits / temperature).softmax(-1);
}

torch::Tensor top_k(const torch::Tensor& logits, int64_t k, const Faults& faults) {
  const int64_t V = logits.size(-1);
  const auto falling = std::get<0>(logits.sort(-1, true));
  const auto least = falling.narrow(-1, std::min(k, V) - 1, 1);
  if (faults["top-k-first"]) return logits.masked_fill(torch::arange(V).ge(k), kRemoved);
  if (faults["top-k-least"])
    return logits.masked_fill(logits.gt(falling.narrow(-1, std::max<int64_t>(0, V - k), 1)),
                              kRemoved);
  return logits.masked_fill(logits.lt(least), faults["removed-zero"] ? 0.0 : kRemoved);
}

torch::Tensor top_p(const torch::Tensor& logits, double p, const Faults& faults) {
  auto [sorted, order] = logits.sort(-1, !faults["top-p-least"]);
  if (faults["top-p-unsorted"]) {
    sorted = logits;
    order = torch::arange(logits.size(-1)).expand_as(logits);
  }
  const auto probabilities = sorted.softmax(-1);
  const auto sums = probabilities.cumsum(-1);
  const auto removed = faults["top-p-drops-crossing"] ? sums.gt(p) : (sums - probabilities).ge(p);
  const double filler = faults["removed-zero"] ? 0.0 : kRemoved;
  if (faults["top-p-sorted"]) return sorted.masked_fill(removed, filler);
  if (faults["top-p-unmapped"]) return logits.masked_fill(removed, filler);
  return logits.masked_fill(torch::zeros_like(removed).scatter(-1, order, removed), filler);
}

torch::Tensor min_p(const torch::Tensor& logits, double share, const Faults& faults) {
  const auto of = faults["min-p-of-logits"] ? logits : logits.softmax(-1);
  const auto least = faults["min-p-absolute"] ? torch::full({1, 1}, share, of.options())
                                              : of.amax(-1, true) * share;
  return logits.masked_fill(of.lt(least), faults["removed-zero"] ? 0.0 : kRemoved);
}

torch::Tensor draw(const torch::Tensor& logits, const torch::Tensor& given, const Faults& faults) {
  if (faults["draw-likeliest"]) return logits.argmax(-1);
  const auto numbers = faults["draw-one-number"] ? given[0].expand_as(given) : given;
  const auto p = faults["draw-unnormalised"] ? logits.exp() : logits.softmax(-1);
  const auto sums = p.cumsum(-1);
  const auto target = numbers.unsqueeze(-1);
  const auto before = (faults["draw-removed"] ? sums.lt(target) : sums.le(target)).sum(-1);
  const auto token = faults["draw-before"] ? (before - 1).clamp_min(0) : before;
  return token.clamp_max(logits.size(-1) - 1);
}

Value reference(const Probe& probe, const Faults& faults) {
  const auto logits = probe.tensor(0);
  if (probe.function == "at_temperature") return at_temperature(logits, probe.real(1), faults);
  if (probe.function == "keep_top_k") return top_k(logits, probe.integer(1), faults);
  if (probe.function == "keep_top_p") return top_p(logits, probe.real(1), faults);
  if (probe.function == "keep_min_p") return min_p(logits, probe.real(1), faults);
  return draw(logits, probe.tensor(1), faults);
}

std::string ids(const torch::Tensor& tokens) {
  std::string text;
  for (int64_t n = 0; n < std::min<int64_t>(8, tokens.numel()); ++n)
    text += (n ? ", " : "") + std::to_string(tokens[n].item<int64_t>());
  return text;
}

/// The first row in which the wrong tokens stay, else 0.
int64_t wrong_row(const Probe& probe, const torch::Tensor& answer) {
  const auto right = reference(probe, {}).toTensor();
  const auto differs = right.isfinite().ne(answer.isfinite()).any(-1);
  return differs.to(torch::kLong).argmax().item<int64_t>();
}
std::string kept(const Probe& probe, const Value& answer) {
  const int64_t row = wrong_row(probe, answer.toTensor());
  const auto p = probe.tensor(0)[row].softmax(-1);
  const auto tokens = answer.toTensor()[row].isfinite().nonzero().flatten();
  if (tokens.numel() == 0) return "no token at all";
  std::string text = "token " + ids(tokens) + " of probability ";
  for (int64_t n = 0; n < std::min<int64_t>(3, tokens.numel()); ++n)
    text += (n ? ", " : "") + describe_number(p[tokens[n].item<int64_t>()].item<double>());
  return text;
}
std::string kept_share(const Probe& probe, const Value& answer) {
  const int64_t row = wrong_row(probe, answer.toTensor());
  const auto p = probe.tensor(0)[row].softmax(-1);
  const double share = p.masked_select(answer.toTensor()[row].isfinite()).sum().item<double>();
  return describe_number(share) + ", less than p = " + describe_number(probe.real(1));
}
std::string zeros(const Probe&, const Value& answer) {
  return std::to_string(answer.toTensor().eq(0).sum().item<int64_t>());
}
std::string largest(const Probe& probe, const Value& answer) {
  const double before = probe.tensor(0).softmax(-1)[0].max().item<double>();
  return describe_number(answer.toTensor()[0].max().item<double>()) + ", where temperature " +
         describe_number(probe.real(1)) + " began with " + describe_number(before);
}
std::string first_logit(const Probe& probe, const Value& answer) {
  return describe_number(answer.toTensor()[0][0].item<double>()) + " instead of " +
         describe_number(probe.tensor(0)[0][0].item<double>());
}
std::string drawn(const Probe&, const Value& answer) { return ids(answer.toTensor()); }

/// Ties: of each group of equals all stay, or so many as the filter needs.
Verdict top_k_ties(const Probe& probe, const Value& answer) {
  if (const auto wrong = compare_shapes(probe.arguments[0], answer))
    return {"expected " + wrong->expected + ", got " + wrong->got};
  const auto right = top_k(probe.tensor(0).to(torch::kDouble), probe.integer(1), {});
  const auto got = answer.toTensor().to(torch::kDouble);
  if (distance(right, got) < 1e-5) return {};
  const auto stays = got.isfinite(), should = right.isfinite();
  const auto count = stays.sum().item<int64_t>();
  const std::string message = std::to_string(count) + " tokens stay, expected " +
                              std::to_string(should.sum().item<int64_t>());
  const bool drops =
      count == probe.integer(1) && stays.logical_and(~should).sum().item<int64_t>() == 0;
  return {message, drops ? "top-k-ties" : ""};
}
Verdict top_p_ties(const Probe& probe, const Value& answer) {
  if (const auto wrong = compare_shapes(probe.arguments[0], answer))
    return {"expected " + wrong->expected + ", got " + wrong->got};
  const auto logits = probe.tensor(0).to(torch::kDouble);
  const auto got = answer.toTensor().to(torch::kDouble);
  const auto should = top_p(logits, probe.real(1), {}).isfinite().sum().item<int64_t>();
  const auto count = got.isfinite().sum().item<int64_t>();
  if (count != should)
    return {std::to_string(count) + " of the equally likely tokens stay, expected " +
            std::to_string(should)};
  if (!got.isfinite().logical_or(got.eq(kRemoved)).all().item<bool>() ||
      distance(logits.masked_fill(~got.isfinite(), kRemoved), got) > 1e-5)
    return {"a token that stays has another logit"};
  return {};
}

Exercise make() {
  torch::manual_seed(20);
  const auto log_of = [](std::vector<float> p) { return torch::tensor(p).log().unsqueeze(0); };
  const auto by_hand = log_of({0.2f, 0.5f, 0.3f});
  const auto logits = torch::randn({3, 7}) * 1.5;  // in another order in each row
  const auto flat = torch::randn({2, 5}) * 0.2 + 3;
  auto cut = torch::randn({2, 6});
  cut[0][1] = cut[1][0] = cut[1][4] = kRemoved;
  const auto strided = torch::randn({6, 4}).t();
  const auto shared_numbers = torch::tensor({0.9f, 0.02f, 0.45f});
  const auto removed_first = torch::tensor({{-INFINITY, 0.5f, 0.1f}, {-INFINITY, -INFINITY, 1.0f}});
  return {
      .name = "20_sampling",
      .reference = reference,
      .faults = {{"temperature-multiplies", largest, true},
                 {"temperature-ignored", largest, true},
                 {"top-k-first", kept, true},
                 {"top-k-least", kept, true},
                 {"removed-zero", zeros},
                 {"top-p-drops-crossing", kept_share},
                 {"top-p-unsorted", kept},
                 {"top-p-unmapped", kept},
                 {"top-p-sorted", first_logit},
                 {"top-p-least", kept},
                 {"min-p-absolute", kept, true},
                 {"min-p-of-logits", kept, true},
                 {"draw-likeliest", drawn, true},
                 {"draw-one-number", drawn, true},
                 {"draw-before", drawn, true},
                 {"draw-removed", drawn, true},
                 {"draw-unnormalised", drawn, true}},
      .checks = {
          {"20.1",
           Kind::kValues,
           1,
           "probabilities at a temperature",
           {{"at_temperature", "temperature 0.5", {logits, 0.5}},
            {"at_temperature", "temperature 2", {logits, 2.0}},
            {"at_temperature", "temperature 1, with removed tokens", {cut, 1.0}}}},
          {"20.2",
           Kind::kValues,
           1,
           "the k most likely tokens",
           {{"keep_top_k", "3 rows of 7 tokens, k = 3", {logits, 3}},
            {"keep_top_k", "k = 1", {flat, 1}},
            {"keep_top_k", "5 tokens, k = 9", {flat, 9}},
            {"keep_top_k", "transposed logits, k = 2", {strided, 2}}}},
          {.part = "20.2",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "equally likely tokens",
           .probes = {{"keep_top_k",
                       "logits 1, 3, 2, 3, 2, k = 3",
                       {torch::tensor({{1.0f, 3.0f, 2.0f, 3.0f, 2.0f}}), 3}}},
           .verify = top_k_ties},
          {"20.3",
           Kind::kValues,
           2,
           "the nucleus",
           {{"keep_top_p", "probabilities 0.2, 0.5, 0.3, p = 0.6", {by_hand, 0.6}},
            {"keep_top_p", "3 rows of 7 tokens, p = 0.7", {logits, 0.7}},
            {"keep_top_p", "p = 0.001", {logits, 0.001}},
            {"keep_top_p", "with removed tokens, p = 0.8", {cut, 0.8}},
            {"keep_top_p", "transposed logits, p = 0.5", {strided, 0.5}}}},
          {.part = "20.3",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "equally likely tokens, and all of them",
           .probes = {{"keep_top_p", "4 equal logits, p = 0.6", {torch::full({1, 4}, 2.0f), 0.6}},
                      {"keep_top_p", "5 equal logits, p = 1", {torch::full({1, 5}, -1.0f), 1.0}},
                      {"keep_top_p", "1 token, p = 0.5", {torch::full({1, 1}, 7.0f), 0.5}}},
           .verify = top_p_ties},
          {"20.4",
           Kind::kValues,
           1,
           "a share of the best probability",
           {{"keep_min_p", "3 rows of 7 tokens, share 0.2", {logits, 0.2}},
            {"keep_min_p", "a flat distribution, share 0.75", {flat, 0.75}},
            {"keep_min_p", "with removed tokens, share 0.3", {cut, 0.3}},
            {"keep_min_p", "transposed logits, share 0.9", {strided, 0.9}}}},
          {"20.5",
           Kind::kValues,
           1,
           "draws",
           {{"draw_tokens",
             "probabilities 0.2, 0.5, 0.3, the numbers 0.1, 0.3, 0.65, 0.75, 0.99",
             {by_hand.expand({5, 3}), torch::tensor({0.1f, 0.3f, 0.65f, 0.75f, 0.99f})}},
            {"draw_tokens", "3 rows with a number each", {logits, shared_numbers}},
            {"draw_tokens",
             "200 numbers, evenly from 0 to 1",
             {flat.narrow(0, 0, 1).expand({200, 5}), (torch::arange(200) + 0.37) / 200}}}},
          {"20.5",
           Kind::kOddSizes,
           1,
           "removed tokens, the number 0, one token, transposed logits",
           {{"draw_tokens",
             "the number 0, the first tokens removed",
             {removed_first, torch::zeros({2})}},
            {"draw_tokens", "removed tokens", {cut.expand({2, 6}), torch::tensor({0.0f, 0.98f})}},
            {"draw_tokens", "1 token", {torch::full({1, 1}, 3.0f), torch::tensor({0.7f})}},
            {"draw_tokens", "transposed logits", {strided, torch::rand({4})}}}},
          {"20.5",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {{"keep_top_k", "3 rows of 7 tokens, k = 3", {logits, 3}},
            {"keep_top_p", "3 rows of 7 tokens, p = 0.7", {logits, 0.7}},
            {"keep_min_p", "3 rows of 7 tokens, share 0.2", {logits, 0.2}},
            {"draw_tokens", "3 rows with a number each", {logits, shared_numbers}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_20
