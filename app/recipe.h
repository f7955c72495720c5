// Recipe files: flat `key = value` lines in the syntax of TOML, read and written for CLI11.
//
// CLI11's own reader takes a `#` inside quotes for a comment and skips lines that it does not
// understand. This one knows strings in either kind of quotes, numbers, booleans, arrays (over
// several lines if need be) and comments, and refuses everything else with its line number.
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

/// Throws CLI::ConfigError "line 3: ..." at the first thing that is not part of the syntax, and for
/// a key that comes twice.
std::vector<RecipeEntry> parse_recipe(std::string_view text);

/// CLI11's door to recipes. Also remembers how to print the field behind each option.
class RecipeFormat : public CLI::Config {
 public:
  using Print = std::function<std::optional<std::string>()>;
  void remember(const CLI::Option* option, Print print) { prints_[option] = std::move(print); }
  std::optional<std::string> value_of(const CLI::Option& option) const;

  std::string to_config(const CLI::App* app, bool, bool, std::string) const override;
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override;

 private:
  std::map<const CLI::Option*, Print> prints_;
};

/// The format of this app; gives it one on the first call.
RecipeFormat& recipe_format(CLI::App& app);

}  // namespace zoo
