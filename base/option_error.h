// An option with a value that nothing can work with. Libraries name options by their fields; how
// the user wrote them (a flag, a key of a file) is known to the caller alone.
#pragma once
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace zoo {

/// A name of an option for the text of an OptionError: "<heads>" in a form of its own, which no
/// value can be taken for.
std::string option_name(std::string_view name);

/// what() has the bare names: "d-model must be a multiple of heads, got 5 and 2".
class OptionError : public std::invalid_argument {
 public:
  /// `text` holds the names of options as option_name() writes them; the first one is the field.
  explicit OptionError(std::string text);
  /// The option that the error is about: "d-model".
  std::string field() const;
  /// For a command line: "--d-model must be a multiple of --heads, got 5 and 2".
  std::string with_dashes() const;
  /// The same error where the options are known by other names, as a part's are in the whole:
  /// "image-heads".
  OptionError renamed(const std::function<std::string(std::string_view)>& rename) const;

 private:
  std::string text_;
};

}  // namespace zoo
