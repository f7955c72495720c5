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

}  // namespace

std::optional<std::pair<double, double>> make_band(std::optional<double> at_least,
                                                   std::optional<double> at_most) {
  if (!at_least && !at_most) return {};
  return std::pair(at_least.value_or(-kInfinity), at_most.value_or(kInfinity));
}

Verdict judge(const VerdictInput& input) {
  if (input.interrupted)
    return {Outcome::kUnknown, "stopped before the end: no verdict; go on with --resume."};
  if (input.updates == 0) return {Outcome::kUnknown, "no update was made: no verdict."};
  if (input.overfit_loss) return judge_overfitting(*input.overfit_loss);
  if (!input.best) return {Outcome::kUnknown, "no validation data: no verdict."};
  const double value = *input.best;
  const auto& band = input.expected_band;
  Verdict verdict;
  std::string judgement;
  if (no_better_than_chance(input.goal, value)) {
    verdict.outcome = Outcome::kChance;
    judgement = "NO BETTER THAN GUESSING";
  } else if (input.best_step == 0) {
    verdict.outcome = Outcome::kMissed;
    judgement = "training made it NO BETTER than it was at the start";
  } else if (!band) {
    judgement = "better than guessing; the recipe expects nothing more";
    if (!input.goal.chance) judgement = "the recipe states nothing to compare with";
  } else if (value >= band->first && value <= band->second) {
    verdict.outcome = Outcome::kReached;
    judgement = fmt::format("as the recipe expects ({})", band_words(*band));
  } else {
    verdict.outcome = Outcome::kMissed;
    judgement = fmt::format("NOT what the recipe expects ({})", band_words(*band));
  }
  verdict.sentence = fmt::format("val {} {:.4f} (best, step {}): {}", input.goal.metric, value,
                                 input.best_step, judgement);
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
