// 21: the score of a text, the best continuations of all beams, and the search.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "notebooks-cpp/exercises/21_beam_search/table_model.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_21 {
namespace {

using Text = std::vector<int64_t>;

double normalised(double sum, double length, double penalty, const Faults& faults) {
  if (faults["penalty-multiplies"]) return sum * std::pow(length, penalty);
  if (faults["penalty-linear"]) return sum / (length * penalty);
  return sum / std::pow(length, penalty);
}

Value candidates(const torch::Tensor& sums, int64_t count, const Faults& faults) {
  const auto [sorted, order] = sums.flatten().sort(-1, !faults["worst-first"]);
  const int64_t kept = std::min(count, sums.numel());
  const auto places = order.narrow(0, 0, kept);
  const int64_t width = faults["divided-by-beams"] ? sums.size(0) : sums.size(1);
  const auto rows = places.floor_divide(width), columns = places.remainder(width);
  const bool swapped = faults["beam-and-token-swapped"];
  return std::make_tuple(swapped ? columns : rows, swapped ? rows : columns,
                         sorted.narrow(0, 0, kept));
}

struct Beam {
  Text text = {};  // with the start
  double sum = 0;
};
struct Candidate {
  size_t beam = 0;
  int64_t token = 0;
  double sum = 0;
};

std::vector<double> log_probs(const Probe& probe, const Text& text) {
  const auto texts = torch::tensor(text, torch::kLong).unsqueeze(0);
  const auto next = table_model(probe.tensor(0).to(torch::kDouble), probe.real(6), texts)[0];
  return {next.data_ptr<double>(), next.data_ptr<double>() + next.numel()};
}

class Search {
 public:
  Search(const Probe& probe, const Faults& faults) : probe_(probe), faults_(faults) {}

  Value run() {
    std::vector<Beam> beams{{{probe_.integer(1)}, 0}};
    const int64_t longest = probe_.integer(4);
    for (int64_t length = 1; length <= longest && !beams.empty(); ++length) {
      std::vector<Beam> open;
      const auto survivors = best(beams);
      for (size_t c = 0; c < survivors.size(); ++c) {
        const bool mixed = faults_["texts-not-reordered"];
        Beam longer{beams[mixed ? c % beams.size() : survivors[c].beam].text, survivors[c].sum};
        longer.text.push_back(survivors[c].token);
        const bool ends = survivors[c].token == probe_.integer(2) && !faults_["finished-go-on"];
        if (!ends && length < longest)
          open.push_back(longer);
        else if (!faults_["finished-lost"] || length == longest)
          finish(longer, static_cast<double>(length));
      }
      if (faults_["first-finished"] && score_ > kNone) break;
      beams = open;
    }
    if (!faults_["start-returned"] && !text_.empty()) text_.erase(text_.begin());
    return std::make_tuple(text_, score_);
  }

 private:
  static constexpr double kNone = -std::numeric_limits<double>::infinity();

  std::vector<Candidate> best(const std::vector<Beam>& beams) const {
    std::vector<Candidate> all;
    for (size_t b = 0; b < beams.size(); ++b) {
      const size_t first = all.size();
      const auto next = log_probs(probe_, beams[b].text);
      for (size_t v = 0; v < next.size(); ++v) {
        const double log_p = next[v];
        const double before = faults_["last-token-only"] ? 0 : beams[b].sum;
        all.push_back({b, static_cast<int64_t>(v),
                       before + (faults_["probabilities-added"] ? std::exp(log_p) : log_p)});
      }
      if (faults_["each-beam-alone"] && beams[b].text.size() > 1) {
        all[first] = *std::max_element(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
                                       [](auto& a, auto& c) { return a.sum < c.sum; });
        all.resize(first + 1);
      }
    }
    const bool in_place = faults_["each-beam-alone"] && beams[0].text.size() > 1;
    if (!in_place)
      std::stable_sort(all.begin(), all.end(), [](auto& a, auto& c) { return a.sum > c.sum; });
    const auto width = static_cast<size_t>(probe_.integer(3));
    if (all.size() > width) all.resize(width);
    return all;
  }

  void finish(const Beam& beam, double length) {
    const double counted = faults_["length-with-start"] ? length + 1 : length;
    const double score = faults_["penalty-ignored"]
                             ? beam.sum
                             : normalised(beam.sum, counted, probe_.real(5), faults_);
    if (score <= score_) return;
    score_ = score;
    text_ = beam.text;
  }

  const Probe& probe_;
  const Faults& faults_;
  Text text_;
  double score_ = kNone;
};

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "length_normalised")
    return normalised(probe.real(0), static_cast<double>(probe.integer(1)), probe.real(2), faults);
  if (probe.function == "best_candidates")
    return candidates(probe.tensor(0), probe.integer(1), faults);
  return Search(probe, faults).run();
}

/// The best score of all texts that begin with this one.
double best_of_all(const Probe& probe, const Text& text, double sum) {
  const auto length = static_cast<int64_t>(text.size()) - 1;
  if (length > 0 && (text.back() == probe.integer(2) || length == probe.integer(4)))
    return sum / std::pow(static_cast<double>(length), probe.real(5));
  double best = -std::numeric_limits<double>::infinity();
  const auto next = log_probs(probe, text);
  for (size_t v = 0; v < next.size(); ++v) {
    Text longer = text;
    longer.push_back(static_cast<int64_t>(v));
    best = std::max(best, best_of_all(probe, longer, sum + next[v]));
  }
  return best;
}
Verdict finds_the_best(const Probe& probe, const Value& answer) {
  const double best = best_of_all(probe, {probe.integer(1)}, 0);
  const double got = answer.toTupleRef().elements().at(1).toDouble();
  if (std::abs(got - best) < 1e-4) return {};
  return {"the best of all texts has the score " + describe_number(best) + ", yours has " +
          describe_number(got)};
}

std::string first_pair(const Probe&, const Value& answer) {
  const auto& parts = answer.toTupleRef().elements();
  return std::to_string(parts[0].toTensor()[0].item<int64_t>()) + " and " +
         std::to_string(parts[1].toTensor()[0].item<int64_t>());
}
std::string first_sum(const Probe&, const Value& answer) {
  return describe_number(answer.toTupleRef().elements().at(2).toTensor()[0].item<double>());
}
std::string text_and_score(const Probe&, const Value& answer) {
  const auto& parts = answer.toTupleRef().elements();
  return describe(parts[0]) + " with score " + describe_number(parts[1].toDouble());
}

Exercise make() {
  torch::manual_seed(21);
  // After the start, 0: A 0.5, B 0.4, C 0.1; the best text of two tokens is B, A.
  const auto by_hand = torch::tensor({0.0f, 0.5f, 0.4f, 0.1f, 0.0f, 0.4f, 0.3f, 0.3f,  //
                                      0.0f, 0.9f, 0.05f, 0.05f, 0.0f, 0.4f, 0.3f, 0.3f})
                           .view({4, 4})
                           .log();
  const auto table = [](int64_t V, double sharpness) { return torch::randn({V, V}) * sharpness; };
  const auto searching = [](const std::string& what, const torch::Tensor& logits, int64_t end,
                            int64_t beams, int64_t longest, double penalty, double memory = 0.4) {
    return Probe{"beam_search_in", what, {logits, 0, end, beams, longest, penalty, memory}};
  };
  const auto five = table(5, 1.2), six = table(6, 1.5), seven = table(7, 1.0), four = table(4, 1.5);
  auto ends_soon = table(5, 1.0);
  ends_soon[0] = torch::tensor({0.013f, 0.009f, 0.011f, 0.007f, 0.96f}).log();
  const auto sums = -5 * torch::rand({3, 7});
  return {
      .name = "21_beam_search",
      .reference = reference,
      .faults = {{"penalty-multiplies", {}, true},
                 {"penalty-linear", {}, true},
                 {"beam-and-token-swapped", first_pair},
                 {"divided-by-beams", first_pair},
                 {"worst-first", first_sum},
                 {"last-token-only", text_and_score, true},
                 {"probabilities-added", text_and_score, true},
                 {"each-beam-alone", text_and_score, true},
                 {"finished-go-on", text_and_score},
                 {"finished-lost", text_and_score},
                 {"first-finished", text_and_score},
                 {"penalty-ignored", text_and_score},
                 {"length-with-start", text_and_score},
                 {"start-returned", text_and_score},
                 {"texts-not-reordered", text_and_score}},
      .checks = {
          {"21.1",
           Kind::kValues,
           2,
           "the score of a text",
           {{"length_normalised", "sum -6, 3 tokens, penalty 1", {-6.0, 3, 1.0}},
            {"length_normalised", "sum -5, 4 tokens, penalty 0.6", {-5.0, 4, 0.6}},
            {"length_normalised", "sum -2.5, 1 token, penalty 2", {-2.5, 1, 2.0}},
            {"length_normalised", "sum -3, 7 tokens, penalty -0.5", {-3.0, 7, -0.5}}}},
          {"21.2",
           Kind::kValues,
           2,
           "the best continuations of all beams",
           {{"best_candidates", "3 beams, 7 tokens, count 4", {sums, 4}},
            {"best_candidates", "2 beams, 5 tokens, count 3", {-3 * torch::rand({2, 5}), 3}}}},
          {"21.2",
           Kind::kOddSizes,
           1,
           "one beam, more than there are, transposed sums",
           {{"best_candidates", "1 beam, 4 tokens, count 2", {-3 * torch::rand({1, 4}), 2}},
            {"best_candidates", "2 beams, 3 tokens, count 10", {-3 * torch::rand({2, 3}), 10}},
            {"best_candidates", "transposed sums", {(-3 * torch::rand({6, 2})).t(), 5}}}},
          {"21.3",
           Kind::kValues,
           2,
           "the best text of a beam",
           {searching("2 tokens after start, 2 beams: the table of README.md", by_hand, 0, 2, 2,
                      1.0, 0.0),
            searching("5 tokens, 3 beams, penalty 1", five, 4, 3, 5, 1.0),
            searching("6 tokens, 2 beams, penalty 0.6", six, 3, 2, 6, 0.6),
            searching("7 tokens, 4 beams, penalty 0", seven, 6, 4, 4, 0.0),
            searching("7 tokens, 3 beams, penalty 2", seven, 2, 3, 6, 2.0)}},
          {.part = "21.3",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "a beam as wide as all texts finds the best of them",
           .probes = {searching("the table of README.md, 16 beams", by_hand, 0, 16, 2, 1.0, 0.0),
                      searching("4 tokens, 256 beams", four, 2, 256, 4, 1.0),
                      searching("3 tokens, 81 beams", table(3, 2.0), 1, 81, 4, 0.7)},
           .verify = finds_the_best},
          {"21.3",
           Kind::kOddSizes,
           1,
           "one beam, one step, an end at once, more beams than tokens",
           {searching("1 beam", six, 5, 1, 5, 1.0),
            searching("1 beam, the table of README.md", by_hand, 0, 1, 2, 1.0, 0.0),
            searching("1 new token", five, 2, 3, 1, 1.0),
            searching("the end has probability 0.96", ends_soon, 4, 2, 5, 1.0),
            searching("4 tokens, 9 beams", four, 3, 9, 3, 1.0)}},
          {"21.3",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {searching("5 tokens, 3 beams", five, 4, 3, 5, 1.0),
            {"best_candidates", "3 beams, 7 tokens, count 4", {sums, 4}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_21
