#include "train/compare/sweep_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "app/recipe.h"
#include "base/usage_error.h"

namespace zoo {
namespace {

/// Options of the command itself: a run of a sweep has none of its own.
constexpr std::array<std::string_view, 9> kOfTheCommand = {
    "out",   "resume", "evaluate-only",  "sweep",       "seeds",
    "scale", "help",   "dump-gradients", "dump-batches"};

/// May change when a run goes on.
constexpr std::array<std::string_view, 5> kMayDiffer = {"threads", "device", "evaluate-every",
                                                        "log-every", "save-every"};

template <class List>
bool lists(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string> parts_of(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

SweepAxis parse_axis(std::string_view word, std::string_view flag) {
  const std::string shown(word);
  if (word.starts_with("--")) word.remove_prefix(2);
  const size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    throw UsageError(fmt::format(
        "{} '{}': expected OPTION=VALUE,VALUE,..., such as \"position=none,rotary norm=layer,rms\"",
        flag, shown));
  }
  SweepAxis axis{.option = std::string(word.substr(0, equals)),
                 .values = parts_of(word.substr(equals + 1), ",")};
  if (lists(kOfTheCommand, axis.option)) {
    throw UsageError(fmt::format("{} '{}': --{} is for the command, not for its runs; leave it out",
                                 flag, shown, axis.option));
  }
  std::set<std::string> seen;
  for (const std::string& value : axis.values) {
    if (value.empty())
      throw UsageError(fmt::format(
          "{} '{}': a value is missing; values are separated by single commas", flag, shown));
    if (!seen.insert(value).second)
      throw UsageError(fmt::format("{} '{}': {} comes twice", flag, shown, value));
  }
  return axis;
}

/// A folder's name, in any shell and on any system.
std::string name_of_settings(const SweepPoint& point) {
  std::string name;
  for (const auto& [option, value] : point.settings) {
    name += fmt::format("{}{}={}", name.empty() ? "" : ",", option, value);
  }
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=,.+-_";
  for (char& c : name) {
    if (kPlain.find(c) == std::string_view::npos) c = '-';
  }
  return name;
}

/// Long values, and those that differ in unusual characters only, leave room for a number.
void name_points(std::vector<SweepPoint>& points) {
  constexpr size_t kLongest = 150;
  std::set<std::string> taken;
  for (SweepPoint& point : points) {
    const std::string name = name_of_settings(point).substr(0, kLongest);
    point.name = name;
    for (int n = 2; !taken.insert(point.name).second; ++n)
      point.name = fmt::format("{},{}", name, n);
  }
}

}  // namespace

std::vector<SweepAxis> parse_axes(std::string_view text, std::string_view flag) {
  std::vector<SweepAxis> axes;
  for (const std::string& word : parts_of(text, " \t\n")) {
    if (word.empty()) continue;
    axes.push_back(parse_axis(word, flag));
    for (size_t i = 0; i + 1 < axes.size(); ++i) {
      if (axes[i].option == axes.back().option)
        throw UsageError(
            fmt::format("{}: {} comes twice; list all its values once", flag, axes.back().option));
    }
  }
  if (axes.empty())
    throw UsageError(fmt::format(
        "{} needs OPTION=VALUE,VALUE,..., such as \"position=none,rotary norm=layer,rms\"", flag));
  return axes;
}

std::vector<SweepPoint> product_of(const std::vector<SweepAxis>& together,
                                   const std::vector<SweepAxis>& axes) {
  std::vector<SweepPoint> points{{}};
  if (!together.empty()) {
    points.assign(together.front().values.size(), {});
    for (const SweepAxis& axis : together) {
      if (axis.values.size() != points.size()) {
        throw UsageError(
            fmt::format("--scale: {} has {} values, {} has {}; each size needs one of both",
                        together.front().option, points.size(), axis.option, axis.values.size()));
      }
      for (size_t i = 0; i < points.size(); ++i)
        points[i].settings.emplace_back(axis.option, axis.values[i]);
    }
  }
  for (const SweepAxis& axis : axes) {
    std::vector<SweepPoint> more;
    for (const SweepPoint& point : points) {
      for (const std::string& value : axis.values) {
        more.push_back(point);
        more.back().settings.emplace_back(axis.option, value);
      }
    }
    points = std::move(more);
  }
  name_points(points);
  return points;
}

std::vector<SweepPoint> with_seeds(const std::vector<SweepPoint>& points, uint64_t first,
                                   int64_t count) {
  std::vector<SweepPoint> seeded;
  for (const SweepPoint& point : points) {
    for (int64_t n = 0; n < count; ++n) {
      seeded.push_back(point);
      seeded.back().settings.emplace_back("seed",
                                          fmt::format("{}", first + static_cast<uint64_t>(n)));
    }
  }
  name_points(seeded);
  return seeded;
}

std::optional<std::string> take_flag(std::vector<std::string>& arguments, std::string_view name) {
  const std::string flag = "--" + std::string(name), with_value = flag + "=";
  std::optional<std::string> value;
  for (size_t i = 1; i < arguments.size();) {
    const auto at = arguments.begin() + static_cast<ptrdiff_t>(i);
    if (arguments[i] == flag) {
      if (i + 1 == arguments.size()) throw UsageError(fmt::format("{} needs a value", flag));
      value = arguments[i + 1];
      arguments.erase(at, at + 2);
    } else if (arguments[i].starts_with(with_value)) {
      value = arguments[i].substr(with_value.size());
      arguments.erase(at);
    } else {
      ++i;
    }
  }
  return value;
}

std::string first_difference(std::string_view recipe_there, std::string_view recipe_wanted) {
  const auto there = parse_recipe(recipe_there);
  for (const RecipeEntry& wanted : parse_recipe(recipe_wanted)) {
    if (lists(kMayDiffer, wanted.key)) continue;
    for (const RecipeEntry& found : there) {
      if (found.key != wanted.key || found.values == wanted.values) continue;
      const auto first = [](const RecipeEntry& entry) {
        return entry.values.empty() ? std::string("nothing") : entry.values.front();
      };
      return fmt::format("{} {}, not {}", wanted.key, first(found), first(wanted));
    }
  }
  return {};
}

}  // namespace zoo
