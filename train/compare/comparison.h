// Runs side by side: grouped where only the seed differs, with what differs otherwise.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "train/compare/run_record.h"

namespace zoo {

/// A dash, for a value that there is none of.
inline constexpr const char* kNotKnown = "\xE2\x80\x93";

/// One run's values of the metric compared.
struct RunValues {
  std::optional<double> best = {}, last = {};
  int64_t best_step = 0;
};

/// Mean and sample standard deviation; the latter needs two values.
struct Spread {
  std::optional<double> mean = {}, deviation = {};
};

/// Runs of the same options, apart from the seed.
struct RunGroup {
  std::string label = {};                ///< "position=none norm=layer", or the run's name
  std::vector<std::string> values = {};  ///< of the options that differ; empty: the run has none
  std::vector<size_t> runs = {};         ///< indices into Comparison::runs
  size_t finished = 0;                   ///< runs that are
  // Of the finished runs, of all where none is. "6" of 3 runs and "8" of an unfinished one have no
  // mean worth a name.
  Spread best = {}, last = {}, seconds = {};
  std::optional<double> parameters = {};
};

struct Comparison {
  std::string metric = {};
  std::string split = "val";  ///< "train" where no run validates
  bool higher_is_better = false;
  std::optional<double> chance = {};
  std::vector<RunRecord> runs = {};
  std::vector<RunValues> values = {};       ///< of each run
  std::vector<std::string> differing = {};  ///< options, in the order of run.toml
  std::vector<RunGroup> groups = {};
  std::optional<size_t> best_group = {};
  std::vector<std::string> notes = {};  ///< what to know before trusting the numbers
};

/// `metric`: empty for the one that judges most of the runs. Throws std::runtime_error if no run
/// has measured it; the message lists what they have.
Comparison compare_runs(std::vector<RunRecord> runs, const std::string& metric = "");

/// The metric's values in the order of the updates.
struct Measured {
  double step = 0, seconds = 0, value = 0;
};
std::vector<Measured> measured_in(const RunRecord& run, const std::string& metric,
                                  const std::string& split);

/// For a terminal. Options beyond the eighth are named below the table.
std::string comparison_table(const Comparison& comparison);

std::string comparison_json(const Comparison& comparison,
                            const std::vector<std::string>& files = {});

/// "finished", "running 120/300", "cut short at 120/300", "no metrics"; of a group "2 of 3
/// finished".
std::string state_of(const Comparison& comparison, const RunGroup& group);

/// "1.953", "1.953 ± 0.012", "–".
std::string spread_text(const Spread& spread);

/// "0.80 M", "12.3 k", "532".
std::string parameters_text(const std::optional<double>& parameters);

}  // namespace zoo
