// Recipe files: flat `key = value` lines in TOML syntax, read and written for CLI11.
//
// CLI11's own reader treats a `#` inside quotes as a comment and ignores lines that it does not
// understand. This one supports strings in both kinds of quotes, numbers, booleans, arrays (also
// over several lines) and comments, and rejects everything else with its line number.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

struct RecipeEntry {
  std::string key;
  std::vector<std::string> values;  // unquoted; one element for all but arrays
  bool is_array = false;
  int line = 0;
};

/// Throws CLI::ConfigError, "line 3: ...", at the first syntax error, and for a repeated key.
std::vector<RecipeEntry> parse_recipe(std::string_view text);

/// Recipes for CLI11, with a printer for the field of each option.
class RecipeFormat : public CLI::Config {
 public:
  using Print = std::function<std::optional<std::string>()>;
  void add_printer(const CLI::Option* option, Print print) { printers_[option] = std::move(print); }
  std::optional<std::string> value_of(const CLI::Option& option) const;
  /// Applied to the keys of a recipe, which may be older than the names of today.
  void rename_keys(std::function<std::string(const std::string&)> rename) {
    rename_ = std::move(rename);
  }

  std::string to_config(const CLI::App* app, bool, bool, std::string) const override;
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override;

 private:
  std::map<const CLI::Option*, Print> printers_;
  std::function<std::string(const std::string&)> rename_;
};

/// The format of this app; sets it on the first call.
RecipeFormat& recipe_format(CLI::App& app);

}  // namespace zoo
