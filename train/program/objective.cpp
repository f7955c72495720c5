#include "train/program/objective.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/usage_error.h"

namespace zoo {
namespace {

bool uses(const Objective& objective, std::string_view option) {
  const auto& options = objective.options;
  return std::find(options.begin(), options.end(), option) != options.end();
}

}  // namespace

std::string objective_help(const std::vector<Objective>& table) {
  std::vector<std::string> rows;
  for (const auto& objective : table)
    rows.push_back(fmt::format("{}: {}", objective.name, objective.what));
  return fmt::format("What is learnt. {}", fmt::join(rows, "; "));
}

void refuse_other_objectives(const std::vector<Objective>& table, const Objective& chosen,
                             const TrainCommand& command) {
  for (const auto& other : table) {
    for (const auto option : other.options) {
      if (uses(chosen, option) || !command.changed(option)) continue;
      throw UsageError(fmt::format(
          "--{} means nothing to --objective {}; leave it out, or choose --objective {}", option,
          chosen.name, other.name));
    }
  }
}

}  // namespace zoo
