// 16: learning rates by step, as multiples of the peak.
#include <algorithm>
#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_16 {
namespace {

double noam(double step, double warmup, const Faults& faults) {
  const double n = step + (faults["counted-from-one"] ? 0 : 1), w = std::max(warmup, 1.0);
  if (faults["fall-too-steep"]) return std::min(w / n, n / w);
  if (faults["the-larger"]) return std::max(std::sqrt(w / n), n / w);
  if (faults["peak-not-one"]) return std::min(1 / std::sqrt(n), n * std::pow(w, -1.5));
  if (faults["fall-from-the-top"]) return n <= w ? n / w : 1 / std::sqrt(n);
  return std::min(std::sqrt(w / n), n / w);
}

double rise(double step, double warmup, const Faults& faults) {
  if (faults["counted-from-one"]) return step / warmup;
  if (faults["warmup-ends-early"]) return (step + 1) / warmup;
  return (step + 1) / (warmup + 1);
}

double cosine(double step, double warmup, double steps, double final_share, const Faults& faults) {
  if (step < warmup) return rise(step, warmup, faults);
  double way = (step - warmup) / std::max(steps - warmup, 1.0);
  if (faults["fall-counts-warmup"]) way = step / steps;
  if (!faults["rises-again"]) way = std::clamp(way, 0.0, 1.0);
  if (faults["whole-wave"]) way *= 2;
  if (faults["quarter-wave"]) return final_share + (1 - final_share) * std::cos(M_PI / 2 * way);
  const double wave = 0.5 * (1 + std::cos(M_PI * way));
  if (faults["falls-to-zero"]) return wave;
  if (faults["floor-not-end"]) return std::max(wave, final_share);
  if (faults["share-added"]) return final_share + wave;
  return final_share + (1 - final_share) * wave;
}

double warmup_stable_decay(double step, double warmup, double steps, double decay_share,
                           double final_share, const Faults& faults) {
  if (step < warmup) return rise(step, warmup, faults);
  double fall = std::round(decay_share * steps);
  if (faults["share-of-the-rest"]) fall = std::round(decay_share * (steps - warmup));
  double begin = std::max(steps - fall, warmup);
  if (faults["share-is-start"]) begin = std::max(std::round(decay_share * steps), warmup);
  if (faults["never-stable"]) begin = warmup;
  double way = (step - begin) / std::max(steps - begin, 1.0);
  way = std::clamp(way, 0.0, faults["falls-on"] ? INFINITY : 1.0);
  if (faults["falls-to-zero"]) return 1 - way;
  if (faults["floor-not-end"]) return std::max(1 - way, final_share);
  return 1 - (1 - final_share) * way;
}

Value reference(const Probe& probe, const Faults& faults) {
  std::vector<double> factors;
  for (const int64_t n : probe.arguments.at(0).toIntVector()) {
    const auto step = static_cast<double>(n);
    const auto warmup = static_cast<double>(probe.integer(1));
    if (probe.function == "noam") {
      factors.push_back(noam(step, warmup, faults));
    } else if (probe.function == "cosine") {
      factors.push_back(
          cosine(step, warmup, static_cast<double>(probe.integer(2)), probe.real(3), faults));
    } else {
      factors.push_back(warmup_stable_decay(step, warmup, static_cast<double>(probe.integer(2)),
                                            probe.real(3), probe.real(4), faults));
    }
  }
  return factors;
}

std::string factor_at(const Probe& probe, const Value& answer, size_t place) {
  return "Step " + std::to_string(probe.arguments.at(0).toIntVector().at(place)) +
         " has the factor " + describe_number(answer.toDoubleVector().at(place));
}

/// The first step.
std::string at_start(const Probe& probe, const Value& answer) {
  return factor_at(probe, answer, 0);
}

/// The last step of the probe.
std::string at_end(const Probe& probe, const Value& answer) {
  return factor_at(probe, answer, answer.toDoubleVector().size() - 1);
}

/// The largest factor.
std::string at_peak(const Probe& probe, const Value& answer) {
  const auto all = answer.toDoubleVector();
  return factor_at(probe, answer,
                   static_cast<size_t>(std::max_element(all.begin(), all.end()) - all.begin()));
}

/// The step whose factor is farthest from the right one.
std::string at_worst(const Probe& probe, const Value& answer) {
  const auto right = reference(probe, {}).toDoubleVector(), all = answer.toDoubleVector();
  size_t worst = 0;
  for (size_t n = 0; n < all.size(); ++n)
    if (std::abs(all[n] - right[n]) > std::abs(all[worst] - right[worst])) worst = n;
  return factor_at(probe, answer, worst);
}

using Steps = std::vector<int64_t>;

Exercise make() {
  const Probe noam_whole{"noam",
                         "4 steps of warm-up: steps 0, 1, 2, 3, 4, 8, 15, 99",
                         {Steps{0, 1, 2, 3, 4, 8, 15, 99}, 4}};
  const Probe cosine_whole{
      "cosine",
      "4 of 20 steps of warm-up, final share 0.1: steps 4, 5, 9, 12, 16, 19, 20",
      {Steps{4, 5, 9, 12, 16, 19, 20}, 4, 20, 0.1}};
  const Probe wsd_whole{"warmup_stable_decay",
                        "5 of 40 steps of warm-up, a fall of 0.25, final share 0.2: steps 5, 12, "
                        "29, 30, 31, 35, 39, 40",
                        {Steps{5, 12, 29, 30, 31, 35, 39, 40}, 5, 40, 0.25, 0.2}};
  return {.name = "16_schedules",
          .reference = reference,
          .faults = {{"counted-from-one", at_start},
                     {"warmup-ends-early", at_peak},
                     {"fall-too-steep", at_end},
                     {"the-larger", at_start, true},
                     {"peak-not-one", at_peak},
                     {"fall-from-the-top", at_worst},
                     {"fall-counts-warmup", at_start},
                     {"rises-again", at_end},
                     {"whole-wave", at_end, true},
                     {"quarter-wave", at_worst, true},
                     {"falls-to-zero", at_end},
                     {"floor-not-end", at_worst},
                     {"share-added", at_peak},
                     {"share-of-the-rest", at_worst},
                     {"share-is-start", at_worst},
                     {"never-stable", at_worst},
                     {"falls-on", at_end}},
          .checks = {
              {"16.1", Kind::kValues, 2, "rise, peak and fall", {noam_whole}},
              {"16.1",
               Kind::kOddSizes,
               1,
               "one step of warm-up, and none",
               {{"noam", "1 step of warm-up: steps 0, 1, 2, 8", {Steps{0, 1, 2, 8}, 1}},
                {"noam", "no warm-up: steps 0, 1, 2, 8", {Steps{0, 1, 2, 8}, 0}}}},
              {"16.1",
               Kind::kSideEffects,
               1,
               "a late step costs no more than the first",
               {{"noam", "step 1000000000, a thousand times", {Steps(1000, 1000000000), 4}},
                {"cosine",
                 "step 1000000000, a thousand times",
                 {Steps(1000, 1000000000), 4, 2000000000, 0.1}}},
               0,
               0.5},
              {"16.2", Kind::kValues, 1, "half a cosine", {cosine_whole}},
              {"16.2",
               Kind::kValues,
               1,
               "the warm-up",
               {{"cosine",
                 "4 of 20 steps of warm-up, final share 0.1: steps 0, 1, 2, 3",
                 {Steps{0, 1, 2, 3}, 4, 20, 0.1}}}},
              {"16.2",
               Kind::kOddSizes,
               1,
               "past the end, no warm-up, no fall",
               {{"cosine",
                 "4 of 20 steps of warm-up, final share 0.1: steps 20, 21, 30",
                 {Steps{20, 21, 30}, 4, 20, 0.1}},
                {"cosine",
                 "no warm-up, final share 0: steps 0, 3, 5, 10",
                 {Steps{0, 3, 5, 10}, 0, 10, 0.0}},
                {"cosine",
                 "5 of 5 steps of warm-up: steps 0, 4, 5, 6",
                 {Steps{0, 4, 5, 6}, 5, 5, 0.1}}}},
              {"16.3", Kind::kValues, 1, "plateau and fall", {wsd_whole}},
              {"16.3",
               Kind::kValues,
               1,
               "the warm-up",
               {{"warmup_stable_decay",
                 "5 of 40 steps of warm-up: steps 0, 2, 4",
                 {Steps{0, 2, 4}, 5, 40, 0.25, 0.2}}}},
              {"16.3",
               Kind::kOddSizes,
               1,
               "past the end, a fall that would begin in the warm-up",
               {{"warmup_stable_decay",
                 "5 of 40 steps of warm-up, a fall of 0.25: steps 40, 41, 60",
                 {Steps{40, 41, 60}, 5, 40, 0.25, 0.2}},
                {"warmup_stable_decay",
                 "6 of 10 steps of warm-up, a fall of 0.8: steps 5, 6, 8, 10",
                 {Steps{5, 6, 8, 10}, 6, 10, 0.8, 0.2}},
                {"warmup_stable_decay",
                 "no fall: steps 9, 10, 11",
                 {Steps{9, 10, 11}, 2, 10, 0.0, 0.2}}}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_16
