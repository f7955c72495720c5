#include "base/text_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "base/files.h"

namespace zoo {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kInspected = 4096;  // bytes
constexpr size_t kMaxLine = size_t{256} << 20;

/// How many of the bytes at offsets n, n + 4, n + 8, ... are zero, and how many are not.
struct ZeroBytes {
  std::array<size_t, 4> zeros{}, others{};
  explicit ZeroBytes(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) ++(bytes[i] == '\0' ? zeros : others)[i % 4];
  }
  bool all(size_t n) const { return others[n] == 0; }
  bool none(size_t n) const { return zeros[n] == 0; }
};

}  // namespace

std::string_view wide_encoding(std::string_view beginning) {
  const auto begins = [&](std::string_view mark) { return beginning.starts_with(mark); };
  if (begins("\xFF\xFE\0\0"sv) || begins("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (begins("\xFF\xFE"sv) || begins("\xFE\xFF"sv)) return "UTF-16";
  const std::string_view inspected = beginning.substr(0, kInspected);
  if (inspected.size() < 4) return {};
  const ZeroBytes at(inspected);
  // The high bytes of letters are zero, and no others.
  if (at.none(0) && at.all(2) && at.all(3)) return "UTF-32LE";
  if (at.all(0) && at.all(1) && at.none(3)) return "UTF-32BE";
  const auto high = [&](size_t one, size_t other) {
    const size_t zeros = at.zeros[one] + at.zeros[other];
    const bool enough = zeros >= 2 && zeros * 4 >= inspected.size();  // of half the letters
    return enough && at.none((one + 1) % 4) && at.none((other + 1) % 4);
  };
  if (high(1, 3)) return "UTF-16LE";
  if (high(0, 2)) return "UTF-16BE";
  return {};
}

void require_narrow_text(std::string_view beginning, const std::string& name) {
  const std::string_view encoding = wide_encoding(beginning);
  if (encoding.empty()) return;
  throw std::runtime_error(
      fmt::format("{} is {}, expected UTF-8; save it as UTF-8, or convert it: iconv -f {} -t UTF-8",
                  name, encoding.substr(0, 6), encoding));
}

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

std::string read_text_file(const std::filesystem::path& path) {
  std::string text = read_file(path);
  require_narrow_text(text, path.string());
  text.erase(0, text.size() - without_byte_order_mark(text).size());
  return text;
}

bool read_raw_line(std::istream& in, std::string& line) {
  line.clear();
  std::istream::sentry ready(in, /*noskipws=*/true);
  if (!ready) return false;
  std::streambuf& bytes = *in.rdbuf();
  for (;;) {
    const int c = bytes.sbumpc();
    if (c == std::char_traits<char>::eof()) {
      in.setstate(line.empty() ? std::ios::eofbit | std::ios::failbit : std::ios::eofbit);
      return !line.empty();
    }
    if (c == '\n') return true;
    if (line.size() == kMaxLine)
      throw std::runtime_error(
          fmt::format("a line is longer than {} bytes: is this a text file?", kMaxLine));
    line += static_cast<char>(c);
  }
}

bool LineReader::next(std::string& line) {
  if (!read_raw_line(in_, line)) return false;
  if (++number_ == 1) {
    require_narrow_text(line, name_);
    line.erase(0, line.size() - without_byte_order_mark(line).size());
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::istringstream text;
  if (!path.empty()) text.str(read_text_file(path));
  LineReader reader(path.empty() ? std::cin : text,
                    path.empty() ? "standard input" : path.string());
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

bool is_blank_line(std::string_view line) {
  return line.find_first_not_of(" \t\v\f\r") == std::string_view::npos;
}

bool is_system_name(const std::filesystem::path& path) {
  static constexpr std::array kNames = {"thumbs.db",   "ehthumbs.db",  "desktop.ini",
                                        "__macosx",    "$recycle.bin", "system volume information",
                                        "__pycache__", "lost+found",   "@eadir"};
  std::string name = path.filename().string();
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return name.starts_with('.') || name == "icon\r" ||
         std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace zoo
