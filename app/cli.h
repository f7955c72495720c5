// Options structs to command lines and recipe files and back.
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

/// One option bound to one field; shows its default, and what an enumeration accepts.
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
    // Several values behind one flag would swallow positional arguments and split "[CLS]".
    option->allow_extra_args(false);
    if (const auto shown = recipe_value(field)) option->default_str(*shown);
  }
  recipe_format(app).remember(option, [&field] { return recipe_value(field); });
  return option->group(group);
}

/// What stands on the command line without a flag: any number of texts, each taken as it stands,
/// brackets, commas and quotes included. One that begins with "-" is given after "--".
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help);

/// Adds every field of an options struct under a heading of --help.
template <class Options>
void add_options(CLI::App& app, const std::string& group, Options& options) {
  visit(options, [&](std::string_view name, auto& field, const std::string& help) {
    add_option(app, group, name, field, help);
  });
}

/// Adds `--config FILE` (recipe.h describes the syntax; keys are named as the flags). Unknown keys
/// are errors; flags win over the file.
void add_config_option(CLI::App& app);

/// Parses. Arguments are read as getopt_long reads them: an option's value is the next argument,
/// whatever it is, or what follows "="; flags and texts may be mixed; after "--" all are texts.
/// Throws CLI11's exceptions, with messages of ours where CLI11's are unclear; run_app knows them
/// all. The exceptions for --help and --version carry the text to print.
void parse(CLI::App& app, int argc, const char* const* argv);

/// Throws CLI::ValidationError, "--page is for the verb compare", where an option of a group (a
/// heading of --help) was given that nothing will use; `why` is what follows the option.
void refuse_group(const CLI::App& app, std::string_view group, std::string_view why);

/// Every option's effective value (of the field as it is now) as a recipe that --config reads back;
/// options without a value are left out.
std::string effective_config(const CLI::App& app);

/// Names (without dashes) of the options that were given on the command line itself, not by a
/// recipe.
std::vector<std::string> given_flags(int argc, const char* const* argv);

}  // namespace zoo
