// The lines of a text file that is read as a table: an error names its file and line.
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

/// Without a byte order mark; lines end at "\n" or "\r\n". Throws std::runtime_error for UTF-16 and
/// UTF-32, for invalid UTF-8 and for no lines at all.
std::vector<std::string> read_text_lines(const std::filesystem::path& file);

/// What stands between the separators, each of which is one character; one column at least.
std::vector<std::string_view> columns_of(std::string_view line, std::string_view separators);

/// Nothing but spaces and tabs.
bool is_blank(std::string_view text);

}  // namespace zoo
