// Text files as systems leave them: a byte order mark before the text, "\r\n" at line ends, UTF-16
// where UTF-8 was meant, and folders in which systems keep files of their own.
#pragma once
#include <cstddef>
#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// "UTF-16" or "UTF-32", as iconv calls them, where these first bytes of a text show one of the
/// two: by a byte order mark, or by zero bytes in every other place (in three of four). Else empty.
std::string_view wide_encoding(std::string_view beginning);

/// Throws std::runtime_error where a text that begins with these bytes is UTF-16 or UTF-32; `name`
/// says whose bytes they are.
void require_narrow_text(std::string_view beginning, const std::string& name);

/// The text behind UTF-8's byte order mark, if there is one: the mark is no part of the text, as
/// for Python's "utf-8-sig".
std::string_view without_byte_order_mark(std::string_view text);

/// The whole file without a byte order mark. Throws std::runtime_error where it cannot be read, and
/// for UTF-16 and UTF-32.
std::string read_text_file(const std::filesystem::path& path);

/// A stream's lines, one after the other, without a byte order mark before the first one. They end
/// at "\n" or "\r\n". Throws std::runtime_error, naming `name`, for UTF-16 and UTF-32 and for a
/// line that is longer than any text (256 MiB).
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

/// A line up to "\n", as std::getline reads it, but no longer than 256 MiB: a longer one (and what
/// never ends, such as /dev/zero) throws std::runtime_error.
bool read_raw_line(std::istream& in, std::string& line);

/// All lines of a file, or of standard input where `path` is empty. Blank ones count: what answers
/// line i is to be line i.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Nothing but white space.
bool is_blank_line(std::string_view line);

/// Whether a file or folder of this name is a system's or a program's own, not the user's: hidden
/// ones (.git, .DS_Store, ._x.png, .ipynb_checkpoints), Thumbs.db, desktop.ini, __MACOSX and the
/// like.
bool is_system_name(const std::filesystem::path& path);

}  // namespace zoo
