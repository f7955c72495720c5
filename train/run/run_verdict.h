// The final sentence of a run: did it meet the recipe's expectation?
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace zoo {

/// The metric that judges a run.
struct Goal {
  std::string metric = "loss";
  bool higher_is_better = false;
  std::optional<double> chance;  ///< what guessing gives: ln V, 1 / classes, ln B
};

enum class Outcome {
  kUnknown,  ///< stopped before the end of its schedule, or nothing to judge by
  kReached,
  kMissed,
  kChance  ///< no better than guessing
};

struct Verdict {
  Outcome outcome = Outcome::kUnknown;
  std::string sentence;
};

struct VerdictInput {
  Goal goal;
  std::optional<std::pair<double, double>> expected_band;  ///< open ends are infinite
  std::optional<double> best;                              ///< of the goal's metric, validation
  int64_t best_step = 0;
  int64_t updates = 1;  ///< done in all; 0: there is nothing to judge
  int64_t planned = 0;  ///< updates of the whole schedule, at whose end the band holds; 0: as done
  bool interrupted = false;
  int64_t stopped_after = 0;  ///< evaluations without a better one that ended the run; 0: none
  std::optional<double> overfit_loss;  ///< of the last update on one batch, in that mode
};

/// "val loss 1.8953 (best, step 2000): as the recipe expects (at most 1.91); guessing
/// gives 4.1744."
/// A run that ended before its schedule did not miss what is expected at the schedule's end: "val
/// loss 2.4010 (best, step 300): stopped at 300 of 2000; the recipe expects at most 1.91 at its
/// end; guessing gives 4.1744."
Verdict judge(const VerdictInput& input);

/// Both ends of a band, each of which may be open; nothing if both are.
std::optional<std::pair<double, double>> make_band(std::optional<double> at_least,
                                                   std::optional<double> at_most);

}  // namespace zoo
