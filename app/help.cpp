#include "app/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

namespace zoo {

bool HelpFormat::listed(const CLI::App& app, const CLI::Option& option) const {
  if (listed_.empty() || option.get_required()) return true;
  if (&option == app.get_help_ptr() || &option == app.get_help_all_ptr()) return true;
  for (const std::string& name : option.get_lnames())
    if (listed_.contains(name)) return true;
  return false;
}

std::string HelpFormat::make_help(const CLI::App* app, std::string name,
                                  CLI::AppFormatMode mode) const {
  std::string text = make_description(app);
  if (!examples_.empty())
    text += fmt::format("\nExamples:\n  {}\n\n", fmt::join(examples_, "\n  "));
  text += make_usage(app, name) + make_positionals(app);
  size_t omitted = 0;
  for (const std::string& group : app->get_groups()) {
    std::vector<const CLI::Option*> options;
    for (const CLI::Option* option : app->get_options({})) {
      if (group.empty() || option->get_group() != group || !option->nonpositional()) continue;
      if (mode == CLI::AppFormatMode::All || listed(*app, *option))
        options.push_back(option);
      else
        ++omitted;
    }
    if (!options.empty()) text += make_group(group, false, options);
  }
  if (omitted > 0) text += fmt::format("\n{} more options: {} --help-all\n", omitted, name);
  const std::string footer = make_footer(app);
  return footer.empty() ? text : text + "\n" + footer;
}

HelpFormat& help_format(CLI::App& app) {
  auto format = std::dynamic_pointer_cast<HelpFormat>(app.get_formatter());
  if (format == nullptr) {
    format = std::make_shared<HelpFormat>();
    app.formatter(format);
  }
  return *format;
}

}  // namespace zoo
