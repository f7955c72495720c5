#include "train/run/run_verdict.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace zoo {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLearnedByHeart = 0.1;  // nats a target: all but certain of every one

std::string band_words(const std::pair<double, double>& band) {
  if (std::isinf(band.first)) return fmt::format("at most {}", band.second);
  if (std::isinf(band.second)) return fmt::format("at least {}", band.first);
  return fmt::format("{} to {}", band.first, band.second);
}

bool no_better_than_chance(const Goal& goal, double value) {
  return goal.chance && (goal.higher_is_better ? value <= *goal.chance : value >= *goal.chance);
}

Verdict judge_overfitting(double loss) {
  if (loss < kLearnedByHeart) {
    return {Outcome::kReached,
            fmt::format("one batch: train loss {:.4f}, learned by heart, as it must be.", loss)};
  }
  return {Outcome::kMissed, fmt::format("one batch: train loss {:.4f}, NOT learned by heart: it "
                                        "needs more updates, or something is wrong.",
                                        loss)};
}

/// "stopped at 300 of 2000"
std::string stopped_words(const VerdictInput& input) {
  return input.planned > input.updates
             ? fmt::format("stopped at {} of {}", input.updates, input.planned)
             : fmt::format("stopped at {}", input.updates);
}

std::string interrupted_words(const VerdictInput& input) {
  std::string words = stopped_words(input);
  if (input.expected_band)
    words += fmt::format("; the recipe expects {} at its end", band_words(*input.expected_band));
  return words + "; continue with --resume.";
}

/// Of a run that ended before its schedule, and has not reached the band.
std::string cut_short_words(const VerdictInput& input) {
  std::string words = stopped_words(input);
  if (no_better_than_chance(input.goal, *input.best)) words += ", no better than guessing yet";
  if (input.expected_band)
    words += fmt::format("; the recipe expects {} at its end", band_words(*input.expected_band));
  return words;
}

/// The outcome, and the words between the value and what guessing gives.
Verdict judge_best(const VerdictInput& input) {
  const double value = *input.best;
  const auto& band = input.expected_band;
  const bool by_chance = no_better_than_chance(input.goal, value);
  const bool in_band = band && value >= band->first && value <= band->second;
  const bool cut_short = input.planned > input.updates && input.stopped_after == 0;
  if (cut_short && !(in_band && !by_chance && input.best_step > 0))
    return {Outcome::kUnknown, cut_short_words(input)};
  if (by_chance) return {Outcome::kChance, "NO BETTER THAN GUESSING"};
  if (input.best_step == 0)
    return {Outcome::kMissed, "training made it NO BETTER than it was at the start"};
  if (!band) {
    const char* better = input.goal.chance ? "better than guessing; " : "";
    return {Outcome::kUnknown, fmt::format("{}no result is stated to compare with", better)};
  }
  if (in_band)
    return {Outcome::kReached, fmt::format("as the recipe expects ({})", band_words(*band))};
  return {Outcome::kMissed, fmt::format("NOT what the recipe expects ({})", band_words(*band))};
}

}  // namespace

std::optional<std::pair<double, double>> make_band(std::optional<double> at_least,
                                                   std::optional<double> at_most) {
  if (!at_least && !at_most) return {};
  return std::pair(at_least.value_or(-kInfinity), at_most.value_or(kInfinity));
}

Verdict judge(const VerdictInput& input) {
  if (input.interrupted) return {Outcome::kUnknown, interrupted_words(input)};
  if (input.updates == 0) return {Outcome::kUnknown, "no update was made: no verdict."};
  if (input.overfit_loss) return judge_overfitting(*input.overfit_loss);
  if (!input.best) return {Outcome::kUnknown, "no validation data: no verdict."};
  Verdict verdict = judge_best(input);
  verdict.sentence = fmt::format("val {} {:.4f} (best, step {}): {}", input.goal.metric,
                                 *input.best, input.best_step, verdict.sentence);
  if (input.goal.chance)
    verdict.sentence += fmt::format("; guessing gives {:.4f}", *input.goal.chance);
  verdict.sentence += ".";
  if (input.stopped_after > 0) {
    verdict.sentence +=
        fmt::format(" Stopped early: {} evaluations in a row were no better.", input.stopped_after);
  }
  return verdict;
}

}  // namespace zoo
