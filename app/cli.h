// Options structs to command lines and recipe files and back.
//
// A struct lists its fields once, in a function that argument-dependent lookup finds:
//
//   template <class Visitor>
//   void visit(TrainOptions& o, Visitor&& v) { v("max-steps", o.max_steps, "Updates in this run");
//   }
//
// Fields may be arithmetic types, bool, std::string, std::optional of these, std::vector, and
// NamedEnum types.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "app/named_enum.h"

namespace zoo {

/// One option bound to one field; shows its default, and what an enumeration accepts.
template <class T>
CLI::Option* add_option(CLI::App& app, const std::string& group, std::string_view name, T& field,
                        const std::string& help) {
  std::string text = help;
  if constexpr (NamedEnum<T>) text += " (" + known_names<T>() + ")";
  CLI::Option* option = app.add_option("--" + std::string(name), field, text)->group(group);
  if constexpr (!requires { field.has_value(); }) option->capture_default_str();
  return option;
}

/// Adds every field of an options struct under a heading of --help.
template <class Options>
void add_options(CLI::App& app, const std::string& group, Options& options) {
  visit(options, [&](std::string_view name, auto& field, const std::string& help) {
    add_option(app, group, name, field, help);
  });
}

/// Adds `--config FILE` (flat `key = value` lines, `#` comments, keys named as the flags). Unknown
/// keys are errors; flags win over the file.
void add_config_option(CLI::App& app);

/// Parses; CLI11's own exceptions pass through to run_app.
void parse(CLI::App& app, int argc, const char* const* argv);

/// Every option's effective value as a recipe that --config reads back; options without a value are
/// left out.
std::string effective_config(const CLI::App& app);

/// Names (without dashes) of the options that were given on the command line itself, not by a
/// recipe.
std::vector<std::string> given_flags(int argc, const char* const* argv);

}  // namespace zoo
