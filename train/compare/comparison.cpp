#include "train/compare/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

namespace zoo {
namespace {

/// Options that change what is written, not what is learned.
constexpr std::array<std::string_view, 8> kOfNoWeight = {
    "seed", "expect-at-least", "expect-at-most", "log-every", "save-every",
    "keep", "sample-prompt",   "sample-tokens"};

bool weighs(const std::string& option) {
  return std::find(kOfNoWeight.begin(), kOfNoWeight.end(), option) == kOfNoWeight.end();
}

/// The options whose values are not the same in all runs.
std::vector<std::string> differing_options(const std::vector<RunRecord>& runs) {
  std::vector<std::string> keys;
  std::set<std::string> seen;
  for (const RunRecord& run : runs) {
    for (const auto& [key, value] : run.options) {
      if (seen.insert(key).second && weighs(key)) keys.push_back(key);
    }
  }
  std::erase_if(keys, [&](const std::string& key) {
    return std::all_of(runs.begin(), runs.end(), [&](const RunRecord& run) {
      return run.option(key) == runs.front().option(key);
    });
  });
  return keys;
}

bool has(const RunRecord& run, const std::string& metric) {
  return std::any_of(run.metrics.begin(), run.metrics.end(),
                     [&](const MetricsRecord& record) { return record.find(metric).has_value(); });
}

/// Of all runs, by how many of them judge by it; a tie goes to the first run's.
std::string usual_metric(const std::vector<RunRecord>& runs) {
  std::string best;
  ptrdiff_t most = 0;
  for (const RunRecord& run : runs) {
    const auto count = std::count_if(runs.begin(), runs.end(), [&](const RunRecord& other) {
      return other.metric == run.metric && has(other, run.metric);
    });
    if (count > most) {
      most = count;
      best = run.metric;
    }
  }
  return best.empty() ? runs.front().metric : best;
}

std::string known_metrics(const std::vector<RunRecord>& runs) {
  std::vector<std::string> names;
  for (const RunRecord& run : runs) {
    for (const MetricsRecord& record : run.metrics) {
      for (const auto& [key, value] : record.values) {
        if (std::find(names.begin(), names.end(), key) == names.end()) names.push_back(key);
      }
    }
  }
  return names.empty() ? "nothing yet" : fmt::format("{}", fmt::join(names, ", "));
}

RunValues values_of(const Comparison& c, const RunRecord& run) {
  RunValues values;
  for (const Measured& point : measured_in(run, c.metric, c.split)) {
    values.last = point.value;
    if (!std::isfinite(point.value)) continue;
    if (!values.best ||
        (c.higher_is_better ? point.value > *values.best : point.value < *values.best)) {
      values.best = point.value;
      values.best_step = static_cast<int64_t>(point.step);
    }
  }
  return values;
}

Spread spread_of(const std::vector<std::optional<double>>& values) {
  std::vector<double> known;
  for (const auto& value : values) {
    if (value) known.push_back(*value);
  }
  if (known.empty()) return {};
  double sum = 0, squares = 0;
  for (const double value : known) sum += value;
  const auto count = static_cast<double>(known.size());
  const double mean = sum / count;
  for (const double value : known) squares += (value - mean) * (value - mean);
  if (known.size() < 2) return {.mean = mean};
  return {.mean = mean, .deviation = std::sqrt(squares / (count - 1))};
}

void summarise(const Comparison& c, RunGroup& group) {
  group.finished =
      static_cast<size_t>(std::count_if(group.runs.begin(), group.runs.end(), [&](size_t i) {
        return c.runs[i].state == RunState::kFinished;
      }));
  std::vector<std::optional<double>> best, last, seconds;
  for (const size_t i : group.runs) {
    if (!group.parameters) group.parameters = c.runs[i].parameters;
    if (group.finished > 0 && c.runs[i].state != RunState::kFinished) continue;
    best.push_back(c.values[i].best);
    last.push_back(c.values[i].last);
    seconds.push_back(c.runs[i].seconds);
  }
  group.best = spread_of(best);
  group.last = spread_of(last);
  group.seconds = spread_of(seconds);
}

/// Few options that tell all groups apart; none if they do not.
std::vector<size_t> telling_options(const Comparison& c) {
  constexpr size_t kMost = 3;
  std::vector<size_t> chosen;
  const auto kinds = [&](const std::vector<size_t>& options) {
    std::set<std::vector<std::string>> seen;
    for (const RunGroup& group : c.groups) {
      std::vector<std::string> values;
      for (const size_t k : options) values.push_back(group.values[k]);
      seen.insert(values);
    }
    return seen.size();
  };
  size_t known = 1;
  while (known < c.groups.size() && chosen.size() < kMost) {
    std::optional<size_t> next;
    for (size_t k = 0; k < c.differing.size(); ++k) {
      auto more = chosen;
      more.push_back(k);
      if (const size_t count = kinds(more); count > known) {
        known = count;
        next = k;
      }
    }
    if (!next) return {};
    chosen.push_back(*next);
  }
  if (known < c.groups.size()) return {};
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void group_runs(Comparison& c) {
  std::map<std::vector<std::string>, size_t> group_of;
  for (size_t i = 0; i < c.runs.size(); ++i) {
    const RunRecord& run = c.runs[i];
    std::vector<std::string> values;
    for (const std::string& key : c.differing) values.push_back(run.option(key).value_or(""));
    // Runs without run.toml may differ in anything; so may those of different programs.
    std::vector<std::string> same = values;
    same.push_back(run.program);
    if (run.options.empty()) same.push_back(run.name);
    const auto [at, is_new] = group_of.emplace(same, c.groups.size());
    if (is_new) c.groups.push_back({.values = values});
    c.groups[at->second].runs.push_back(i);
  }
  const auto telling = telling_options(c);
  for (RunGroup& group : c.groups) {
    std::vector<std::string> words;
    for (const size_t k : telling) {
      if (!group.values[k].empty())
        words.push_back(fmt::format("{}={}", c.differing[k], group.values[k]));
    }
    group.label =
        words.empty() ? c.runs[group.runs.front()].name : fmt::format("{}", fmt::join(words, " "));
    summarise(c, group);
  }
}

void find_best(Comparison& c) {
  for (size_t g = 0; g < c.groups.size(); ++g) {
    const auto& mean = c.groups[g].best.mean;
    if (!mean) continue;
    const auto& best = c.best_group ? c.groups[*c.best_group].best.mean : mean;
    if (!c.best_group || (c.higher_is_better ? *mean > *best : *mean < *best)) c.best_group = g;
  }
}

void add_notes(Comparison& c, bool chosen) {
  std::set<std::string> judges;
  std::vector<std::string> without, empty;
  for (size_t i = 0; i < c.runs.size(); ++i) {
    const RunRecord& run = c.runs[i];
    if (run.metrics.empty()) {
      empty.push_back(run.name);
    } else {
      judges.insert(run.metric);
      if (!c.values[i].last) without.push_back(run.name);
    }
  }
  if (!empty.empty())
    c.notes.push_back(fmt::format("nothing measured yet: {}", fmt::join(empty, ", ")));
  if (!without.empty())
    c.notes.push_back(fmt::format("without {}: {}", c.metric, fmt::join(without, ", ")));
  if (judges.size() > 1 && !chosen) {
    c.notes.push_back(fmt::format("the runs are judged by {}; compared by {}, choose with --metric",
                                  fmt::join(judges, " and "), c.metric));
  }
  const auto differs = [&](std::string_view key) {
    return std::find(c.differing.begin(), c.differing.end(), key) != c.differing.end();
  };
  if ((differs("tokenizer") || differs("vocab-size")) && c.metric == "loss") {
    const bool bytes = std::any_of(c.runs.begin(), c.runs.end(),
                                   [](const RunRecord& run) { return has(run, "bits_per_byte"); });
    c.notes.push_back(
        fmt::format("tokens of different tokenizers are of different length, and so are their "
                    "losses{}",
                    bytes ? "; compare by --metric bits_per_byte" : ""));
  }
}

}  // namespace

std::vector<Measured> measured_in(const RunRecord& run, const std::string& metric,
                                  const std::string& split) {
  std::vector<Measured> points;
  for (const MetricsRecord& record : run.metrics) {
    const auto value = record.find(metric);
    if (record.split != split || !value) continue;
    points.push_back(
        {static_cast<double>(record.step), record.find("elapsed_s").value_or(0), *value});
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Measured& a, const Measured& b) { return a.step < b.step; });
  return points;
}

Comparison compare_runs(std::vector<RunRecord> runs, const std::string& metric) {
  if (runs.empty()) throw std::runtime_error("no run to compare");
  Comparison c{.runs = std::move(runs)};
  c.metric = metric.empty() ? usual_metric(c.runs) : metric;
  const auto any = [&](const std::string& split) {
    return std::any_of(c.runs.begin(), c.runs.end(), [&](const RunRecord& run) {
      return !measured_in(run, c.metric, split).empty();
    });
  };
  if (!any("val")) c.split = "train";
  if (!any(c.split) && !metric.empty()) {
    throw std::runtime_error(fmt::format("--metric {}: no run has measured it; they have: {}",
                                         metric, known_metrics(c.runs)));
  }
  c.higher_is_better = !lower_is_better(c.metric);
  for (const RunRecord& run : c.runs) {
    if (run.metric != c.metric) continue;
    c.higher_is_better = run.higher_is_better;
    c.chance = run.chance;
  }
  // Guessing gives as many values as there are vocabularies.
  for (const RunRecord& run : c.runs) {
    if (run.chance && run.chance != c.chance) c.chance = {};
  }
  for (const RunRecord& run : c.runs) c.values.push_back(values_of(c, run));
  c.differing = differing_options(c.runs);
  group_runs(c);
  find_best(c);
  add_notes(c, !metric.empty());
  return c;
}

}  // namespace zoo
