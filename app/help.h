// What --help and --help-all print.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace zoo {

/// The description, examples, the usage, then the options: those that most users need, or all.
class HelpFormat : public CLI::Formatter {
 public:
  void set_examples(std::vector<std::string> examples) { examples_ = std::move(examples); }
  /// Options that --help lists, without dashes; none: all.
  void set_short_list(const std::vector<std::string>& options) {
    listed_ = {options.begin(), options.end()};
  }

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;

 private:
  bool listed(const CLI::App& app, const CLI::Option& option) const;

  std::vector<std::string> examples_;
  std::set<std::string> listed_;
};

/// The format of this app; sets it on the first call.
HelpFormat& help_format(CLI::App& app);

}  // namespace zoo
