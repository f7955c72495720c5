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
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/named_enum.h"
#include "base/option_values.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace zoo {

/// A program's command line: CLI11's parser without its header, which takes seconds to compile.
class CommandLine {
 public:
  /// `name`: for --help, if the program should not be called what it was started as.
  explicit CommandLine(const std::string& description, const std::string& name = "");
  operator CLI::App&() const { return *app_; }  // NOLINT(google-explicit-constructor)

 private:
  std::shared_ptr<CLI::App> app_;
};

/// What an option reads and shows.
struct OptionField {
  std::string type_word = {};  ///< "INT", for --help
  bool is_list = false;        ///< the flag may be repeated
  /// Throws std::invalid_argument if a value is invalid.
  std::function<void(const std::vector<std::string>&)> read = {};
  /// In the syntax of recipes; none for an option without a value.
  std::function<std::optional<std::string>()> print = {};
};

namespace detail {
CLI::Option* add_option(CLI::App& app, const std::string& group, std::string_view name,
                        const OptionField& field, const std::string& help);
CLI::Option* add_flag(CLI::App& app, const std::string& group, std::string_view name, bool& field,
                      const std::string& help);
}  // namespace detail

/// Adds one option for one field. --help shows its default and the names of an enumeration.
template <class T>
CLI::Option* add_option(CLI::App& app, const std::string& group, std::string_view name, T& field,
                        const std::string& help) {
  if constexpr (std::is_same_v<T, bool>) {
    return detail::add_flag(app, group, name, field, help);
  } else {
    std::string text = help;
    if constexpr (NamedEnum<T>) text += " (" + known_names<T>() + ")";
    const auto read = [&field](const std::vector<std::string>& texts) {
      read_values(texts, field);
    };
    return detail::add_option(app, group, name,
                              {.type_word = type_word<T>(),
                               .is_list = is_vector<T>,
                               .read = read,
                               .print = [&field] { return recipe_value(field); }},
                              text);
  }
}

/// Arguments without a flag: any number of texts, each taken literally, with brackets, commas and
/// quotes. A text that begins with "-" must follow "--".
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help);

/// One argument without a flag.
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& text,
                      const std::string& help);

/// Makes the option required.
void make_required(CLI::Option* option);

/// Changes the help of an option, named without dashes.
void describe(CLI::App& app, const std::string& name, const std::string& help);

/// Adds every field of a struct of options, under a heading of --help.
template <class Options>
void add_options(CLI::App& app, const std::string& group, Options& options) {
  visit(options, [&](std::string_view name, auto& field, const std::string& help) {
    add_option(app, group, name, field, help);
  });
}

/// Adds `--config FILE_OR_NAME` (recipe.h describes the syntax, recipe_files.h where a name is
/// looked for; keys are flags without dashes). Unknown keys are errors; flags override the file.
void add_config_option(CLI::App& app);

/// `--help` begins with the examples and lists only the required options and these, without dashes;
/// a new option `--help-all` lists all.
void set_help(CLI::App& app, const std::vector<std::string>& examples,
              const std::vector<std::string>& listed);

/// `--help` begins with the examples and lists all options.
void set_help(CLI::App& app, const std::vector<std::string>& examples);

/// Parses like getopt_long: an option's value is the next argument, whatever it is, or follows "=";
/// flags and texts may be mixed; after "--" all are texts. Other names of options are understood,
/// with a note on stderr (option_names.h). Throws CLI11's exceptions, with clearer messages in some
/// cases; run_app handles them. Those for --help and --version carry the text to print.
void parse(CLI::App& app, int argc, const char* const* argv);

/// Throws CLI::ValidationError, "--page is for the verb compare", if an option of a group (a
/// heading of --help) was given. `why` follows the option's name.
void refuse_group(const CLI::App& app, std::string_view group, std::string_view why);

/// The current values of all options as a recipe that --config reads back; options without a value
/// are omitted.
std::string effective_config(const CLI::App& app);

/// Today's names (without dashes) of the options that were given on the command line itself, not by
/// a recipe.
std::vector<std::string> given_flags(const CLI::App& app, int argc, const char* const* argv);

}  // namespace zoo
