// 18: which tokens are chosen, what the model reads at their places, and what it must predict.
#include <torch/types.h>
#include <torch/utils.h>

#include <tuple>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_18 {
namespace {

constexpr int64_t kIgnored = -100, kMask = 4, kVocab = 12;

torch::Tensor choose(const Probe& probe, const Faults& faults) {
  const auto lots = probe.tensor(2);
  const auto wins = faults["lot-inverted"] ? lots.ge(probe.real(3)) : lots.lt(probe.real(3));
  if (faults["special-chosen"]) return wins;
  return wins.logical_and(probe.tensor(1).index({probe.tensor(0)}).logical_not());
}

Value mask(const Probe& probe, const Faults& faults) {
  const auto tokens = probe.tensor(0), lots = probe.tensor(2), ordinary = probe.tensor(4);
  const auto chosen = probe.tensor(1);
  const auto affected = faults["changes-unchosen"] ? torch::ones_like(chosen) : chosen;
  auto hidden = lots.lt(faults["always-mask"] ? 2.0 : 0.8);
  if (faults["random-takes-masks"]) hidden = torch::zeros_like(hidden);
  const auto replaced = lots.lt(faults["no-unchanged"] ? 2.0 : 0.9).logical_and(~hidden);
  const auto count = faults["word-is-id"] ? kVocab : ordinary.size(0);
  const auto numbers = (probe.tensor(3) * count).floor().to(torch::kLong);
  const auto others = faults["word-is-id"] ? numbers : ordinary.index({numbers});
  const auto read = torch::where(replaced.logical_and(affected), others, tokens)
                        .masked_fill(hidden.logical_and(affected), probe.integer(5));
  auto asked = chosen;
  if (faults["labels-everywhere"]) asked = torch::ones_like(chosen);
  if (faults["labels-only-at-masks"]) asked = chosen.logical_and(hidden);
  const auto& from = faults["labels-after-change"] ? read : tokens;
  return std::make_tuple(read, from.masked_fill(~asked, kIgnored));
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "choose_tokens") return choose(probe, faults);
  return mask(probe, faults);
}

/// "3 of 7": the places where `which` holds, among those where `of` holds.
std::string count(const torch::Tensor& which, const torch::Tensor& of) {
  const auto both = which.logical_and(of).sum().item<int64_t>();
  return std::to_string(both) + " of " + std::to_string(of.sum().item<int64_t>());
}

std::string some(const torch::Tensor& ids) {
  std::string text;
  for (int64_t n = 0; n < std::min<int64_t>(4, ids.numel()); ++n)
    text += (n ? ", " : "") + std::to_string(ids[n].item<int64_t>());
  return text;
}

torch::Tensor read_of(const Value& answer) {
  return answer.toTupleRef().elements().at(0).toTensor();
}
torch::Tensor targets_of(const Value& answer) {
  return answer.toTupleRef().elements().at(1).toTensor();
}

std::string special_chosen(const Probe& probe, const Value& answer) {
  return count(answer.toTensor(), probe.tensor(1).index({probe.tensor(0)}));
}
std::string chosen_at_all(const Probe&, const Value& answer) {
  return count(answer.toTensor(), torch::ones_like(answer.toTensor()));
}
std::string targets_unchosen(const Probe& probe, const Value& answer) {
  return count(targets_of(answer).ne(kIgnored), ~probe.tensor(1));
}
std::string without_target(const Probe& probe, const Value& answer) {
  return count(targets_of(answer).eq(kIgnored), probe.tensor(1));
}
std::string targets_chosen(const Probe& probe, const Value& answer) {
  return some(targets_of(answer).masked_select(probe.tensor(1)));
}
std::string masked(const Probe& probe, const Value& answer) {
  return count(read_of(answer).eq(probe.integer(5)), probe.tensor(1));
}
std::string replaced(const Probe& probe, const Value& answer) {
  return count(read_of(answer).ne(probe.tensor(0)), probe.tensor(1));
}
std::string unchanged(const Probe& probe, const Value& answer) {
  return count(read_of(answer).eq(probe.tensor(0)), probe.tensor(1));
}
std::string changed_unchosen(const Probe& probe, const Value& answer) {
  return count(read_of(answer).ne(probe.tensor(0)), ~probe.tensor(1));
}
std::string strangers(const Probe& probe, const Value& answer) {
  const auto read = read_of(answer);
  const auto new_ones = read.ne(probe.tensor(0)).logical_and(read.ne(probe.integer(5)));
  const auto others = read.masked_select(new_ones);
  const auto foreign = others.unsqueeze(1).ne(probe.tensor(4).unsqueeze(0)).all(1);
  return some(others.masked_select(foreign));
}

Exercise make() {
  torch::manual_seed(18);
  // Ids 0 to 4 are special but for 2; the mask is 4.
  const auto special = torch::arange(kVocab).lt(5).logical_and(torch::arange(kVocab).ne(2));
  const auto ordinary = torch::tensor({2L, 5L, 6L, 7L, 8L, 9L, 10L, 11L});
  const auto text = [](int64_t B, int64_t T) {
    return torch::randint(kVocab, {B, T}, torch::kLong);
  };
  const auto words_alone = [&](int64_t B, int64_t T) {
    return ordinary.index({torch::randint(8, {B, T}, torch::kLong)});
  };
  const auto choosing = [&](const std::string& what, const torch::Tensor& tokens, double share) {
    return Probe{"choose_tokens", what, {tokens, special, torch::rand(tokens.sizes()), share}};
  };
  const auto masking = [&](const std::string& what, const torch::Tensor& tokens, double share) {
    const auto chosen = torch::rand(tokens.sizes()).lt(share);
    return Probe{"mask_tokens",
                 what,
                 {tokens, chosen, torch::rand(tokens.sizes()), torch::rand(tokens.sizes()),
                  ordinary, kMask}};
  };
  const Probe by_hand{"mask_tokens",
                      "lots 0.1, 0.85, 0.95, 0.82, 0.7, and a token that nobody chose",
                      {torch::tensor({{7L, 8L, 9L, 10L, 11L, 5L}}),
                       torch::tensor({{true, true, true, true, true, false}}),
                       torch::tensor({{0.1f, 0.85f, 0.95f, 0.82f, 0.7f, 0.2f}}),
                       torch::tensor({{0.3f, 0.01f, 0.6f, 0.99f, 0.4f, 0.7f}}), ordinary, kMask}};
  return {
      .name = "18_masked_tokens",
      .reference = reference,
      .faults = {{"special-chosen", special_chosen},
                 {"lot-inverted", chosen_at_all},
                 {"labels-everywhere", targets_unchosen},
                 {"labels-after-change", targets_chosen},
                 {"labels-only-at-masks", without_target},
                 {"always-mask", masked},
                 {"random-takes-masks", replaced},
                 {"no-unchanged", unchanged},
                 {"changes-unchosen", changed_unchosen},
                 {"word-is-id", strangers}},
      .checks = {
          {"18.1",
           Kind::kValues,
           2,
           "chosen tokens",
           {choosing("2 rows of 30 tokens, share 0.15", text(2, 30), 0.15),
            choosing("3 rows of 5 tokens, share 0.5", text(3, 5), 0.5)}},
          {"18.1",
           Kind::kOddSizes,
           1,
           "nothing to choose, everything, one token, a transposed text",
           {choosing("share 0", text(2, 5), 0.0),
            choosing("share 1", text(2, 5), 1.0),
            choosing("special tokens alone", torch::tensor({{0L, 1L, 3L, 4L}}), 0.9),
            choosing("1 token", torch::tensor({{2L}}), 1.0),
            {"choose_tokens",
             "a lot that equals the share",
             {torch::tensor({{5L, 6L, 7L}}), special, torch::tensor({{0.25f, 0.5f, 0.75f}}), 0.5}},
            choosing("a transposed text", text(4, 3).t(), 0.5)}},
          {"18.2",
           Kind::kShape,
           1,
           "shapes and types",
           {masking("2 rows of 5 tokens", words_alone(2, 5), 0.5)}},
          {"18.2",
           Kind::kValues,
           3,
           "what the model reads and must predict",
           {by_hand, masking("2 rows of 30 tokens", words_alone(2, 30), 0.5)}},
          {"18.2",
           Kind::kValues,
           1,
           "the 80-10-10 rule in a long text",
           {masking("2 rows of 500 tokens", words_alone(2, 500), 0.5)}},
          {"18.2",
           Kind::kOddSizes,
           1,
           "nothing chosen, everything, one token, a transposed text",
           {masking("nothing chosen", words_alone(2, 5), 0.0),
            masking("everything chosen", words_alone(3, 7), 1.0),
            masking("1 token", words_alone(1, 1), 1.0),
            masking("a transposed text", words_alone(7, 3).t(), 0.7)}},
          {"18.2",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {masking("2 rows of 30 tokens", words_alone(2, 30), 0.9)}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_18
