// A comparison as text and as JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/text_table.h"
#include "train/compare/comparison.h"

namespace zoo {
namespace {

constexpr size_t kMostOptions = 8;  // that a line of a terminal holds

/// Whether a run's name says all that its row does, as the names of a sweep do.
bool names_tell_all(const Comparison& c) {
  return std::all_of(c.groups.begin(), c.groups.end(), [&](const RunGroup& group) {
    for (size_t k = 0; k < c.differing.size(); ++k) {
      const std::string word = fmt::format("{}={}", c.differing[k], group.values[k]);
      if (c.runs[group.runs.front()].name.find(word) == std::string::npos) return false;
    }
    return !c.differing.empty();
  });
}

std::string updates_of(const Comparison& c, const RunGroup& group) {
  int64_t low = c.runs[group.runs.front()].updates, high = low;
  for (const size_t i : group.runs) {
    low = std::min(low, c.runs[i].updates);
    high = std::max(high, c.runs[i].updates);
  }
  return low == high ? fmt::format("{}", low) : fmt::format("{} to {}", low, high);
}

nlohmann::ordered_json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? nlohmann::ordered_json(*value) : nullptr;
}

nlohmann::ordered_json whole(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(static_cast<int64_t>(*value)) : nullptr;
}

std::string_view word_for(RunState state) {
  return state == RunState::kFinished  ? "finished"
         : state == RunState::kRunning ? "running"
                                       : "cut short";
}

nlohmann::ordered_json run_json(const Comparison& c, size_t i) {
  const RunRecord& run = c.runs[i];
  return {{"name", run.name},
          {"folder", run.folder.string()},
          {"program", run.program},
          {"seed", run.option("seed").value_or("")},
          {"state", word_for(run.state)},
          {"updates", run.updates},
          {"planned", run.planned ? nlohmann::ordered_json(*run.planned) : nullptr},
          {"best", number(c.values[i].best)},
          {"best_step", c.values[i].best_step},
          {"last", number(c.values[i].last)},
          {"seconds", number(run.seconds)}};
}

}  // namespace

std::string spread_text(const Spread& spread) {
  if (!spread.mean) return std::string(kNotKnown);
  const auto mean = fmt::format("{:.4g}", printable(*spread.mean));
  return spread.deviation ? fmt::format("{} \xC2\xB1 {:.2g}", mean, *spread.deviation) : mean;
}

std::string parameters_text(const std::optional<double>& parameters) {
  if (!parameters) return std::string(kNotKnown);
  if (*parameters >= 1e6) return fmt::format("{:.2f} M", *parameters / 1e6);
  if (*parameters >= 1e4) return fmt::format("{:.1f} k", *parameters / 1e3);
  return fmt::format("{:.0f}", *parameters);
}

std::string state_of(const Comparison& c, const RunGroup& group) {
  if (group.finished == group.runs.size()) return "finished";
  if (group.runs.size() > 1)
    return fmt::format("{} of {} finished", group.finished, group.runs.size());
  const RunRecord& run = c.runs[group.runs.front()];
  if (run.metrics.empty() && run.state == RunState::kStopped) return "no metrics";
  const auto place = run.planned ? fmt::format("{}/{}", run.updates, *run.planned)
                                 : fmt::format("{}", run.updates);
  return run.state == RunState::kRunning ? "running, " + place : "cut short at " + place;
}

std::string comparison_table(const Comparison& c) {
  const bool named = !names_tell_all(c);
  const size_t options = std::min(c.differing.size(), kMostOptions);
  const bool grouped = c.groups.size() < c.runs.size();
  std::vector<std::string> head;
  if (named) head.emplace_back("run");
  head.insert(head.end(), c.differing.begin(),
              c.differing.begin() + static_cast<ptrdiff_t>(options));
  const size_t left = head.size();
  if (grouped) head.emplace_back("runs");
  const std::string metric = (c.split == "val" ? "val " : "train ") + c.metric;
  head.insert(head.end(), {"parameters", "updates", "best " + metric, "last", "time", "state"});
  std::vector<std::vector<std::string>> rows{head};
  for (size_t g = 0; g < c.groups.size(); ++g) {
    const RunGroup& group = c.groups[g];
    std::vector<std::string> row;
    if (named)
      row.push_back(c.runs[group.runs.front()].name + (group.runs.size() > 1 ? ", ..." : ""));
    for (size_t k = 0; k < options; ++k)
      row.push_back(group.values[k].empty() ? std::string(kNotKnown) : group.values[k]);
    if (grouped) row.push_back(fmt::format("{}", group.runs.size()));
    const bool is_best = c.best_group == g && c.groups.size() > 1;
    row.insert(row.end(),
               {parameters_text(group.parameters), updates_of(c, group),
                (is_best ? "* " : "") + spread_text(group.best), spread_text(group.last),
                group.seconds.mean ? format_duration(*group.seconds.mean) : std::string(kNotKnown),
                state_of(c, group)});
    rows.push_back(std::move(row));
  }
  const auto widths = column_widths(rows, head.size());
  std::string text;
  for (const auto& row : rows) text += table_line(row, widths, left) + "\n";
  if (c.differing.size() > options) {
    const std::vector<std::string> more(c.differing.begin() + static_cast<ptrdiff_t>(options),
                                        c.differing.end());
    text += fmt::format("also different: {}\n", fmt::join(more, ", "));
  }
  if (grouped) text += "\xC2\xB1: standard deviation over runs that differ by seed only\n";
  for (const std::string& note : c.notes) text += "note: " + note + "\n";
  return text;
}

std::string comparison_json(const Comparison& c, const std::vector<std::string>& files) {
  nlohmann::ordered_json json = {{"metric", c.metric},
                                 {"split", c.split},
                                 {"higher_is_better", c.higher_is_better},
                                 {"chance", number(c.chance)}};
  json["groups"] = nlohmann::ordered_json::array();
  for (const RunGroup& group : c.groups) {
    nlohmann::ordered_json options = nlohmann::ordered_json::object();
    for (size_t k = 0; k < c.differing.size(); ++k) options[c.differing[k]] = group.values[k];
    nlohmann::ordered_json runs = nlohmann::ordered_json::array();
    for (const size_t i : group.runs) runs.push_back(run_json(c, i));
    json["groups"].push_back({{"options", options},
                              {"parameters", whole(group.parameters)},
                              {"best_mean", number(group.best.mean)},
                              {"best_deviation", number(group.best.deviation)},
                              {"last_mean", number(group.last.mean)},
                              {"last_deviation", number(group.last.deviation)},
                              {"seconds_mean", number(group.seconds.mean)},
                              {"runs", runs}});
  }
  json["notes"] = c.notes;
  json["files"] = files;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace zoo
