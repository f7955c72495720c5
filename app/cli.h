// Command lines and recipe files for structs of options.
//
// A struct lists its fields once, in a function that argument-dependent lookup finds:
//
//   template <class Visitor>
//   void visit(TrainOptions& o, Visitor&& v) { v("max-steps", o.max_steps, "Updates in this run");
//   }
//
// Fields may be bool (a flag: `--x`, or `--x=false` where it is on by default), arithmetic types,
// std::string, std::filesystem::path, NamedEnum types, std::optional of these, and std::vector of
// these (the flag is repeated: `--stop A --stop B`).
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "app/recipe.h"
#include "base/named_enum.h"
#include "base/option_values.h"

namespace zoo {

/// Adds one option for one field. --help shows its default and the names of an enumeration.
template <class T>
CLI::Option* add_option(CLI::App& app, const std::string& group, std::string_view name, T& field,
                        const std::string& help) {
  const std::string flag = "--" + std::string(name);
  CLI::Option* option = nullptr;
  if constexpr (std::is_same_v<T, bool>) {
    option = app.add_flag(flag, field, field ? help + " (on; " + flag + "=false: off)" : help);
  } else {
    const auto read = [&field, flag](const CLI::results_t& texts) {
      try {
        read_values(texts, field);
      } catch (const std::invalid_argument& error) {
        throw CLI::ValidationError(flag, error.what());
      }
      return true;
    };
    std::string text = help;
    if constexpr (NamedEnum<T>) text += " (" + known_names<T>() + ")";
    if constexpr (is_vector<T>) text += " (repeatable)";
    option = app.add_option(flag, read, text)->type_name(type_word<T>());
    if constexpr (is_vector<T>) option->expected(1, CLI::detail::expected_max_vector_size);
    // Several values after one flag would take positional arguments and split "[CLS]".
    option->allow_extra_args(false);
    if (const auto shown = recipe_value(field)) option->default_str(*shown);
  }
  recipe_format(app).add_printer(option, [&field] { return recipe_value(field); });
  return option->group(group);
}

/// Arguments without a flag: any number of texts, each taken literally, with brackets, commas and
/// quotes. A text that begins with "-" must follow "--".
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help);

/// Adds every field of a struct of options, under a heading of --help.
template <class Options>
void add_options(CLI::App& app, const std::string& group, Options& options) {
  visit(options, [&](std::string_view name, auto& field, const std::string& help) {
    add_option(app, group, name, field, help);
  });
}

/// Adds `--config FILE` (recipe.h describes the syntax; keys are flags without dashes). Unknown
/// keys are errors; flags override the file.
void add_config_option(CLI::App& app);

/// Parses like getopt_long: an option's value is the next argument, whatever it is, or follows "=";
/// flags and texts may be mixed; after "--" all are texts. Throws CLI11's exceptions, with clearer
/// messages in some cases; run_app handles them. Those for --help and --version carry the text to
/// print.
void parse(CLI::App& app, int argc, const char* const* argv);

/// Throws CLI::ValidationError, "--page is for the verb compare", if an option of a group (a
/// heading of --help) was given. `why` follows the option's name.
void refuse_group(const CLI::App& app, std::string_view group, std::string_view why);

/// The current values of all options as a recipe that --config reads back; options without a value
/// are omitted.
std::string effective_config(const CLI::App& app);

/// Names (without dashes) of the options that were given on the command line itself, not by a
/// recipe.
std::vector<std::string> given_flags(int argc, const char* const* argv);

}  // namespace zoo
