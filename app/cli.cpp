#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <utility>

#include "app/help.h"
#include "app/near_names.h"
#include "app/option_names.h"
#include "app/recipe.h"
#include "app/recipe_files.h"

namespace zoo {
namespace {

/// The options of a program by their names, without --help.
KnownOptions known_options(const CLI::App& app) {
  KnownOptions known;
  for (const CLI::Option* option : app.get_options({})) {
    if (option == app.get_help_ptr() || option == app.get_help_all_ptr()) continue;
    const auto& names = option->get_lnames();
    known.names.insert(known.names.end(), names.begin(), names.end());
  }
  known.has = [&app](std::string_view name) {
    return app.get_option_no_throw("--" + std::string(name)) != nullptr;
  };
  return known;
}

/// "; did you mean 'layers'?", or what to do instead; empty if there is nothing to say.
std::string suggestion(const CLI::App& app, std::string_view name, std::string_view dashes) {
  const KnownOptions known = known_options(app);
  if (const std::string advice = advice_for(name, known); !advice.empty()) return "; " + advice;
  for (const CLI::Option* option : app.get_options({})) {
    if (option->get_positional() && option->get_single_name() == name)
      return fmt::format("; the {0} is given without --{0}", name);
  }
  const auto near = near_names(name, known.names, 1);
  return near.empty() ? "" : fmt::format("; did you mean {}{}?", dashes, near.front());
}

/// Today's name of an option or a key, with a note if it was given under another one.
std::string todays_name_or_same(const CLI::App& app, const std::string& given) {
  const auto today = todays_name(given, known_options(app));
  if (!today) return given;
  note_other_name(given, *today);
  return *today;
}

/// By CLI11's rule: "-5", "-" and "- a" are texts.
bool is_flag(const std::string& argument) {
  std::string name, value;
  if (CLI::detail::split_long(argument, name, value)) return true;
  return CLI::detail::split_short(argument, name, value) && !(name[0] >= '0' && name[0] <= '9');
}

/// "--tied=off" in CLI11's form: "--tied=false".
std::string flag_with_value(const std::string& flag, std::string_view value) {
  try {
    return fmt::format("{}={}", flag, parse_value<bool>(value));
  } catch (const std::invalid_argument& error) {
    throw CLI::ValidationError(flag, error.what());
  }
}

std::string recipe_named(const std::string& name) {
  try {
    return find_recipe(name);
  } catch (const std::invalid_argument& error) {
    throw CLI::ValidationError("--config", error.what());
  }
}

/// The arguments in a form that CLI11 reads correctly: flags first, options and values as separate
/// arguments, and all texts after "--". Otherwise it would take the next argument as the value of
/// `--stop=`.
std::vector<std::string> in_order(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> ordered, texts;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--") {
      texts.insert(texts.end(), argv + i + 1, argv + argc);
      break;
    }
    if (!is_flag(argument)) {
      texts.push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    std::string flag = argument.substr(0, equals);
    if (flag.starts_with("--")) flag = "--" + todays_name_or_same(app, flag.substr(2));
    const CLI::Option* option = app.get_option_no_throw(flag);
    const bool known = option != nullptr && argument.starts_with("--");
    const bool takes_value = known && option->get_items_expected_max() > 0;
    if (known && !takes_value && equals != std::string::npos) {
      ordered.push_back(flag_with_value(flag, std::string_view(argument).substr(equals + 1)));
    } else if (!takes_value) {
      ordered.push_back(known ? flag : argument);
    } else if (equals == std::string::npos && i + 1 >= argc) {
      throw CLI::ArgumentMismatch(fmt::format("{} needs a value", flag));
    } else {
      const std::string value =
          equals != std::string::npos ? argument.substr(equals + 1) : argv[++i];
      ordered.insert(ordered.end(),
                     {flag, option == app.get_config_ptr() ? recipe_named(value) : value});
    }
  }
  if (!texts.empty()) ordered.emplace_back("--");
  ordered.insert(ordered.end(), texts.begin(), texts.end());
  return ordered;
}

/// CLI11's "--layers: At Most 1 required but received 2".
[[noreturn]] void throw_mismatch(const CLI::ArgumentMismatch& error) {
  const std::string what = error.what();
  constexpr std::string_view kAtMost = ": At Most 1 required but received ";
  const size_t at = what.find(kAtMost);
  if (at == std::string::npos) throw error;
  throw CLI::ArgumentMismatch(fmt::format("{} takes one value, got {}; give it once",
                                          what.substr(0, at), what.substr(at + kAtMost.size())));
}

/// CLI11's "Could not convert: --verbose = maybe", for a flag in a recipe.
[[noreturn]] void throw_conversion(const CLI::ConversionError& error) {
  const std::string what = error.what();
  constexpr std::string_view kNot = "Could not convert: ";
  const size_t equals = what.find(" = ");
  if (!what.starts_with(kNot) || equals == std::string::npos) throw error;
  throw CLI::ConversionError(
      fmt::format("{}: must be true or false, not '{}'",
                  what.substr(kNot.size(), equals - kNot.size()), what.substr(equals + 3)),
      CLI::ExitCodes::ConversionError);
}

std::string recipe_path(const CLI::App& app) {
  const CLI::Option* option = app.get_config_ptr();
  return option == nullptr || option->results().empty() ? "" : option->results().back();
}

/// CLI11 ignores some recipes that it cannot open, and reports others as "was not readable
/// (missing?)".
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
    message = fmt::format("'{}' is not allowed in a recipe", what.substr(0, at));
  }
  throw CLI::ConfigError(fmt::format("recipe {}: {}", recipe_path(app), message));
}

[[noreturn]] void throw_extras_error(const CLI::App& app, const CLI::ExtrasError& error) {
  std::vector<std::string> extras = app.remaining(true);
  std::erase(extras, "--");
  if (extras.empty()) throw error;
  const std::string& first = extras.front();
  std::string message = fmt::format("unexpected argument '{}'", first);
  if (is_flag(first)) {
    const std::string name =
        first.substr(0, first.find('=')).substr(first.starts_with("--") ? 2 : 1);
    message = fmt::format("unknown option {}{}", first, suggestion(app, name, "--"));
    if (!first.starts_with("--")) message += "; a text that begins with '-' goes after --";
  }
  throw CLI::ExtrasError(message, CLI::ExitCodes::ExtrasError);
}

}  // namespace

CommandLine::CommandLine(const std::string& description, const std::string& name)
    : app_(std::make_shared<CLI::App>(description, name)) {}

CLI::Option* detail::add_option(CLI::App& app, const std::string& group, std::string_view name,
                                const OptionField& field, const std::string& help) {
  const std::string flag = "--" + std::string(name);
  const auto read = [flag, read = field.read](const CLI::results_t& texts) {
    try {
      read(texts);
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError(flag, error.what());
    }
    return true;
  };
  CLI::Option* option = app.add_option(flag, read, field.is_list ? help + " (repeatable)" : help);
  option->type_name(field.type_word)->group(group);
  if (field.is_list) option->expected(1, CLI::detail::expected_max_vector_size);
  // Several values after one flag would take positional arguments and split "[CLS]".
  option->allow_extra_args(false);
  if (const auto shown = field.print()) option->default_str(*shown);
  recipe_format(app).add_printer(option, field.print);
  return option;
}

CLI::Option* detail::add_flag(CLI::App& app, const std::string& group, std::string_view name,
                              bool& field, const std::string& help) {
  const std::string flag = "--" + std::string(name);
  CLI::Option* option =
      app.add_flag(flag, field, field ? help + " (on; " + flag + "=false: off)" : help);
  recipe_format(app).add_printer(option, [&field] { return recipe_value(field); });
  return option->group(group);
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& text,
                      const std::string& help) {
  return app.add_option(name, text, help);
}

void make_required(CLI::Option* option) { option->required(); }

void describe(CLI::App& app, const std::string& name, const std::string& help) {
  app.get_option("--" + name)->description(help);
}

void add_config_option(CLI::App& app) {
  recipe_format(app).rename_keys(
      [&app](const std::string& key) { return todays_name_or_same(app, key); });
  app.set_config("--config", "",
                 "Recipe: a file of 'key = value' lines, keys named like the flags, or the name of "
                 "one in train/recipes")
      ->type_name("FILE")
      ->check(CLI::Validator(check_recipe_path, ""));
  app.allow_config_extras(CLI::config_extras_mode::error);
}

void set_help(CLI::App& app, const std::vector<std::string>& examples) {
  help_format(app).set_examples(examples);
}

void set_help(CLI::App& app, const std::vector<std::string>& examples,
              const std::vector<std::string>& listed) {
  set_help(app, examples);
  help_format(app).set_short_list(listed);
  app.set_help_all_flag("--help-all", "Print all options and exit");
}

CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help) {
  const auto read = [&texts](const CLI::results_t& given) {
    texts = given;
    return true;
  };
  // An option that may take "extra" arguments splits "[a,b]" into two (CLI11's
  // Option::_add_result). This one expects the maximal number instead.
  constexpr int kMax = CLI::detail::expected_max_vector_size;
  return app.add_option(name, read, help)
      ->type_name("TEXT")
      ->expected(kMax, kMax)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void parse(CLI::App& app, int argc, const char* const* argv) {
  help_format(app);
  if (app.get_help_all_ptr() == nullptr)  // where --help lists all: understood, but not listed
    app.set_help_all_flag("--help-all", "Print all options and exit")->group("");
  if (app.get_name().empty() && argc > 0) app.name(std::filesystem::path(argv[0]).filename());
  try {
    const std::vector<std::string> arguments = in_order(app, argc, argv);
    std::vector<const char*> words = {argc > 0 ? argv[0] : ""};
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    app.parse(static_cast<int>(words.size()), words.data());
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
  } catch (const CLI::ArgumentMismatch& error) {
    throw_mismatch(error);
  } catch (const CLI::ConversionError& error) {
    throw_conversion(error);
  }
}

void refuse_group(const CLI::App& app, std::string_view group, std::string_view why) {
  for (const CLI::Option* option : app.get_options({})) {
    if (option->get_group() == group && option->count() > 0)
      throw CLI::ValidationError(option->get_name() + " " + std::string(why));
  }
}

std::string effective_config(const CLI::App& app) {
  return app.get_config_formatter()->to_config(&app, true, false, "");
}

std::vector<std::string> given_flags(const CLI::App& app, int argc, const char* const* argv) {
  const KnownOptions known = known_options(app);
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const std::string name(argument.substr(2, argument.find('=') - 2));
    names.push_back(todays_name(name, known).value_or(name));
  }
  return names;
}

}  // namespace zoo
