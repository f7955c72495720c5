// Text files from different systems: byte order marks, "\r\n" line ends, UTF-16 instead of UTF-8,
// and system files in folders.
#pragma once
#include <cstddef>
#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// "UTF-16" or "UTF-32" (iconv's names) if the first bytes of a text show one of them by a byte
/// order mark, or by zeros in every other byte (in three of four). Else empty.
std::string_view wide_encoding(std::string_view beginning);

/// Throws std::runtime_error, which begins with `name`, if these first bytes of a text are UTF-16
/// or UTF-32.
void require_narrow_text(std::string_view beginning, const std::string& name);

/// The text after UTF-8's byte order mark, if it has one.
std::string_view without_byte_order_mark(std::string_view text);

/// The whole file without a byte order mark. Throws std::runtime_error if it cannot be read, or is
/// UTF-16 or UTF-32.
std::string read_text_file(const std::filesystem::path& path);

/// Reads lines, which end at "\n" or "\r\n", without a byte order mark before the first one. Throws
/// std::runtime_error, which begins with `name`, for UTF-16, UTF-32, and a line of more than 256
/// MiB.
class LineReader {
 public:
  LineReader(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}
  /// False at the end.
  bool next(std::string& line);

 private:
  std::istream& in_;
  std::string name_;
  size_t number_ = 0;
};

/// A line up to "\n", like std::getline. Throws std::runtime_error for more than 256 MiB, as
/// /dev/zero would give.
bool read_raw_line(std::istream& in, std::string& line);

/// All lines of a file, blank ones included; of standard input if `path` is empty.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Whether the line is empty or white space.
bool is_blank_line(std::string_view line);

/// Whether the name is that of a system file or folder: hidden ones (.git, .DS_Store, ._x.png,
/// .ipynb_checkpoints), Thumbs.db, desktop.ini, __MACOSX and the like.
bool is_system_name(const std::filesystem::path& path);

}  // namespace zoo
