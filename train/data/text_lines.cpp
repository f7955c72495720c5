#include "train/data/text_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/text_file.h"
#include "tokenizers/text/utf8.h"

namespace zoo {

void fail_at_line(const std::filesystem::path& file, size_t line, std::string_view what) {
  throw std::runtime_error(fmt::format("{} line {}: {}", file.string(), line, what));
}

std::vector<std::string> read_text_lines(const std::filesystem::path& file) {
  const std::string text = read_text_file(file);
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (utf8::find_invalid(line) != std::string_view::npos)
      fail_at_line(file, lines.size() + 1, "not valid UTF-8; save the file as UTF-8");
    lines.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (lines.empty())
    throw std::runtime_error(
        fmt::format("{} is empty: there is nothing to learn from", file.string()));
  return lines;
}

std::vector<std::string_view> columns_of(std::string_view line, std::string_view separators) {
  std::vector<std::string_view> columns;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find_first_of(separators, begin), line.size());
    columns.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return columns;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\v\f") == std::string_view::npos;
}

}  // namespace zoo
