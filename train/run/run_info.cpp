#include "train/run/run_info.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "base/files.h"

namespace zoo {
namespace {

constexpr const char* kInfoFile = "run.json";

}  // namespace

std::string time_now() {
  constexpr std::array<std::string_view, 12> kMonths = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  localtime_r(&now, &parts);
  return fmt::format("{} {} {}, {:02}:{:02}", parts.tm_mday,
                     kMonths[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min);
}

void write_run_info(const std::filesystem::path& run_folder, const RunInfo& info) {
  nlohmann::ordered_json json = {{"program", info.program},
                                 {"metric", info.metric},
                                 {"higher_is_better", info.higher_is_better},
                                 {"parameters", info.parameters},
                                 {"finished", info.finished},
                                 {"recipe", info.recipe},
                                 {"started", info.started}};
  if (info.chance) json["chance"] = *info.chance;
  write_file(run_folder / kInfoFile,
             json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<RunInfo> read_run_info(const std::filesystem::path& run_folder) {
  const auto file = run_folder / kInfoFile;
  if (!std::filesystem::exists(file)) return {};
  RunInfo info;
  try {
    const auto json = nlohmann::json::parse(read_file(file, kSmallFile));
    info.program = json.at("program").get<std::string>();
    info.metric = json.at("metric").get<std::string>();
    info.higher_is_better = json.at("higher_is_better").get<bool>();
    info.parameters = json.at("parameters").get<int64_t>();
    info.finished = json.at("finished").get<bool>();
    if (json.contains("chance")) info.chance = json["chance"].get<double>();
    info.recipe = json.value("recipe", "");
    info.started = json.value("started", "");
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error(
        fmt::format("'{}' is damaged; remove it to compare the run without it", file.string()));
  }
  return info;
}

}  // namespace zoo
