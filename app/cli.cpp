#include "app/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

namespace zoo {
namespace {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i) + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const int replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// "; did you mean 'layers'?", or nothing where no name is near.
std::string suggestion(const CLI::App& app, std::string_view name, std::string_view dashes) {
  std::string best;
  int best_distance = static_cast<int>(name.size()) / 3 + 1;
  for (const CLI::Option* option : app.get_options({})) {
    for (const std::string& known : option->get_lnames()) {
      const int distance = edit_distance(name, known);
      if (distance <= best_distance && (best.empty() || distance < best_distance)) {
        best = known;
        best_distance = distance;
      }
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean {}{}?", dashes, best);
}

std::string recipe_path(const CLI::App& app) {
  const CLI::Option* option = app.get_config_ptr();
  return option == nullptr || option->results().empty() ? "" : option->results().back();
}

/// CLI11 skips a recipe that it cannot open in some cases and says "was not readable (missing?)" in
/// others.
std::string check_recipe_path(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return "no recipe file '" + path + "'";
  if (std::filesystem::is_directory(path, ignored)) return "'" + path + "' is a folder";
  return "";
}

[[noreturn]] void throw_config_error(const CLI::App& app, const std::string& what) {
  static constexpr std::string_view kUnknown = "INI was not able to parse ";
  static constexpr std::string_view kRefused = ": This option is not allowed";
  std::string message = what;
  if (what.starts_with(kUnknown)) {
    const std::string key = what.substr(kUnknown.size());
    message = fmt::format("unknown key '{}'{}", key, suggestion(app, key, ""));
  } else if (const size_t at = what.find(kRefused); at != std::string::npos) {
    message = fmt::format("'{}' cannot stand in a recipe", what.substr(0, at));
  }
  throw CLI::ConfigError(fmt::format("recipe {}: {}", recipe_path(app), message));
}

[[noreturn]] void throw_extras_error(const CLI::App& app, const CLI::ExtrasError& error) {
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) throw error;
  const std::string& first = extras.front();
  std::string message = fmt::format("unexpected argument '{}'", first);
  if (first.starts_with("-")) {
    const std::string name =
        first.substr(0, first.find('=')).substr(first.starts_with("--") ? 2 : 1);
    message = fmt::format("unknown option {}{}", first, suggestion(app, name, "--"));
  }
  throw CLI::ExtrasError(message, CLI::ExitCodes::ExtrasError);
}

}  // namespace

void add_config_option(CLI::App& app) {
  recipe_format(app);
  app.set_config("--config", "", "Recipe file: 'key = value' lines, keys named as the flags")
      ->type_name("FILE")
      ->check(CLI::Validator(check_recipe_path, ""));
  app.allow_config_extras(CLI::config_extras_mode::error);
}

void parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForAllHelp&) {
    throw CLI::CallForAllHelp(app.help("", CLI::AppFormatMode::All), CLI::ExitCodes::Success);
  } catch (const CLI::CallForHelp&) {
    throw CLI::CallForHelp(app.help(), CLI::ExitCodes::Success);
  } catch (const CLI::CallForVersion& version) {
    throw CLI::CallForVersion(std::string(version.what()) + "\n", CLI::ExitCodes::Success);
  } catch (const CLI::ConfigError& error) {
    throw_config_error(app, error.what());
  } catch (const CLI::ExtrasError& error) {
    throw_extras_error(app, error);
  }
}

std::string effective_config(const CLI::App& app) {
  return app.get_config_formatter()->to_config(&app, true, false, "");
}

std::vector<std::string> given_flags(int argc, const char* const* argv) {
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    names.emplace_back(argument.substr(2, argument.find('=') - 2));
  }
  return names;
}

}  // namespace zoo
