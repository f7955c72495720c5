// Names of options between two marks, which no text of a user's contains.
#include "base/option_error.h"

namespace zoo {
namespace {

constexpr char kBegin = '\x1e', kEnd = '\x1f';

/// The text, with each name as `write` writes it.
std::string rewritten(const std::string& text,
                      const std::function<std::string(std::string_view)>& write) {
  std::string result;
  size_t from = 0;
  for (size_t begin = text.find(kBegin); begin != std::string::npos;
       begin = text.find(kBegin, from)) {
    const size_t end = text.find(kEnd, begin);
    result.append(text, from, begin - from);
    result += write(std::string_view(text).substr(begin + 1, end - begin - 1));
    from = end + 1;
  }
  return result.append(text, from);
}

}  // namespace

std::string option_name(std::string_view name) { return kBegin + std::string(name) + kEnd; }

OptionError::OptionError(std::string text)
    : std::invalid_argument(
          rewritten(text, [](std::string_view name) { return std::string(name); })),
      text_(std::move(text)) {}

std::string OptionError::field() const {
  const size_t begin = text_.find(kBegin);
  if (begin == std::string::npos) return "";
  return text_.substr(begin + 1, text_.find(kEnd, begin) - begin - 1);
}

std::string OptionError::with_dashes() const {
  return rewritten(text_, [](std::string_view name) { return "--" + std::string(name); });
}

OptionError OptionError::renamed(const std::function<std::string(std::string_view)>& rename) const {
  return OptionError(
      rewritten(text_, [&](std::string_view name) { return option_name(rename(name)); }));
}

}  // namespace zoo
