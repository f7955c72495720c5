// The lines of a text file with a table; errors name the file and line.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Throws std::runtime_error "FILE line N: what".
[[noreturn]] void fail_at_line(const std::filesystem::path& file, size_t line,
                               std::string_view what);

/// Removes a byte order mark; lines end at "
/// " or "\r
/// ". Throws std::runtime_error for UTF-16 and UTF-32, for invalid UTF-8 and for an empty file.
std::vector<std::string> read_text_lines(const std::filesystem::path& file);

/// Splits the line at any of the separator characters; returns at least one column.
std::vector<std::string_view> columns_of(std::string_view line, std::string_view separators);

/// Whether the text is only spaces and tabs.
bool is_blank(std::string_view text);

}  // namespace zoo
