// 19: texts as inputs and targets of a decoder, and the loss of the next token.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_19 {
namespace {

using Text = std::vector<int64_t>;

constexpr int64_t kIgnored = -100;

Value collate(const Probe& probe, const Faults& faults) {
  const auto texts = probe.arguments[0].to<std::vector<Text>>();
  const int64_t start = probe.integer(1), end = probe.integer(2), pad = probe.integer(3);
  size_t T = 1;
  for (const auto& text : texts) T = std::max(T, text.size() + 1);
  std::vector<torch::Tensor> inputs, targets;
  for (const auto& text : texts) {
    Text in{start}, out = text;
    in.insert(in.end(), text.begin(), text.end());
    out.push_back(end);
    if (faults["end-missing"]) out.pop_back();
    if (faults["targets-unshifted"]) out = in;
    if (faults["start-missing"]) in.erase(in.begin());
    if (faults["end-read"] && in.size() < T) in.push_back(end);
    in.resize(T, pad);
    out.resize(T, faults["pad-counted"] ? pad : kIgnored);
    inputs.push_back(torch::tensor(in, torch::kLong));
    targets.push_back(torch::tensor(out, torch::kLong));
  }
  return std::make_tuple(torch::stack(inputs), torch::stack(targets));
}

torch::Tensor loss(const Probe& probe, const Faults& faults) {
  auto logits = probe.tensor(0), targets = probe.tensor(1);
  if (faults["shifted-again"]) {
    const int64_t T = targets.size(1);
    logits = logits.narrow(1, 0, T - 1);
    targets = targets.narrow(1, 1, T - 1);
  }
  const auto known = targets.ne(kIgnored);
  const auto counts = faults["ignored-as-token"] ? torch::ones_like(known) : known;
  const auto log_p = logits.log_softmax(faults["softmax-over-positions"] ? 1 : -1)
                         .gather(-1, targets.masked_fill(~known, 0).unsqueeze(-1))
                         .squeeze(-1);
  const auto losses = torch::where(counts, -log_p, 0.0);  // [B, T]
  if (faults["sum-not-mean"]) return losses.sum();
  if (faults["mean-over-padding"]) return losses.mean();
  if (faults["mean-of-rows"]) return (losses.sum(1) / counts.sum(1).clamp_min(1)).mean();
  if (faults["no-targets-nan"]) return losses.sum() / counts.sum();
  return losses.sum() / counts.sum().clamp_min(1);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "collate_targets") return collate(probe, faults);
  return loss(probe, faults);
}

std::string row_text(const torch::Tensor& row) {
  std::string text;
  for (int64_t n = 0; n < row.size(0); ++n)
    text += (n ? ", " : "(") + std::to_string(row[n].item<int64_t>());
  return text + ")";
}
torch::Tensor inputs_of(const Value& answer) {
  return answer.toTupleRef().elements().at(0).toTensor();
}
torch::Tensor targets_of(const Value& answer) {
  return answer.toTupleRef().elements().at(1).toTensor();
}
std::string first_input(const Probe&, const Value& answer) {
  return std::to_string(inputs_of(answer)[0][0].item<int64_t>());
}
std::string first_target(const Probe& probe, const Value& answer) {
  const auto first = targets_of(answer)[0][0].item<int64_t>();
  return std::to_string(first) + (first == probe.integer(1) ? ", the start" : "");
}
std::string target_row(const Probe&, const Value& answer) {
  return row_text(targets_of(answer)[0]);
}
/// Targets behind the shortest text's end.
std::string behind(const Probe& probe, const Value& answer) {
  const auto texts = probe.arguments[0].to<std::vector<Text>>();
  size_t b = 0;
  for (size_t n = 1; n < texts.size(); ++n)
    if (texts[n].size() < texts[b].size()) b = n;
  const auto length = static_cast<int64_t>(texts[b].size()) + 1;
  return row_text(targets_of(answer)[static_cast<int64_t>(b)].slice(0, length));
}
std::string row_with_end(const Probe& probe, const Value& answer) {
  const auto inputs = inputs_of(answer);
  for (int64_t b = 0; b < inputs.size(0); ++b)
    if (inputs[b].eq(probe.integer(2)).any().item<bool>()) return row_text(inputs[b]);
  return "one of them";
}

Exercise make() {
  torch::manual_seed(19);
  const auto collating = [](const std::string& what, const std::vector<Text>& texts, int64_t start,
                            int64_t end, int64_t pad) {
    return Probe{"collate_targets", what, {texts, start, end, pad}};
  };
  const auto by_hand = collating("texts (5, 6) and (7)", {{5, 6}, {7}}, 1, 2, 0);
  const auto ragged = collating("4 texts of 3, 5, 1 and 2 tokens",
                                {{9, 4, 4}, {5, 6, 7, 8, 9}, {3}, {8, 5}}, 2, 1, 11);
  const auto targets = torch::tensor({{3L, 1L, 6L, 2L, kIgnored},
                                      {5L, 2L, kIgnored, kIgnored, kIgnored},
                                      {1L, 4L, 6L, 5L, 2L}});  // [3, 5]
  const auto logits = torch::randn({3, 5, 7}) * 2;
  const auto losing = [](const std::string& what, const torch::Tensor& l, const torch::Tensor& t) {
    return Probe{"next_token_loss", what, {l, t}};
  };
  const auto none = torch::full({2, 3}, kIgnored, torch::kLong);
  const auto equal = losing("equal logits over 4 tokens", torch::zeros({2, 3, 4}),
                            torch::tensor({{1L, 2L, kIgnored}, {3L, 0L, 1L}}));
  const auto rows_of_three = losing("3 rows with 4, 2 and 5 targets", logits, targets);
  return {.name = "19_teacher_forcing",
          .reference = reference,
          .faults = {{"targets-unshifted", first_target},
                     {"end-missing", target_row},
                     {"pad-counted", behind},
                     {"end-read", row_with_end},
                     {"start-missing", first_input},
                     {"mean-over-padding"},
                     {"mean-of-rows"},
                     {"sum-not-mean"},
                     {"ignored-as-token"},
                     {"shifted-again"},
                     {"softmax-over-positions"},
                     {"no-targets-nan", {}, true}},
          .checks = {
              {"19.1",
               Kind::kShape,
               1,
               "as many inputs as targets, one more than tokens",
               {by_hand, ragged}},
              {"19.1", Kind::kValues, 2, "inputs and targets", {by_hand, ragged}},
              {"19.1",
               Kind::kOddSizes,
               1,
               "one text, empty texts, a text that holds the padding's id",
               {collating("1 text of 1 token", {{7}}, 1, 2, 0),
                collating("an empty text beside one of 2 tokens", {{}, {4, 5}}, 1, 2, 0),
                collating("2 empty texts", {{}, {}}, 1, 2, 0),
                collating("id 0 in a text, and pad 0", {{0, 5, 0}, {6}}, 1, 2, 0)}},
              {"19.2", Kind::kValues, 2, "the mean over all targets", {equal, rows_of_three}},
              {"19.2", Kind::kGradients, 2, "gradients of the logits", {rows_of_three}},
              {"19.2",
               Kind::kOddSizes,
               1,
               "one token, no targets, large logits, transposed logits",
               {losing("1 token", torch::randn({1, 1, 3}), torch::tensor({{2L}})),
                losing("no targets", torch::randn({2, 3, 4}), none),
                losing("logits near 1000", 1000 + torch::randn({3, 5, 7}), targets),
                losing("transposed logits", torch::randn({5, 3, 7}).transpose(0, 1), targets)}},
              {"19.2", Kind::kSideEffects, 1, "arguments stay as they were", {rows_of_three}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_19
