#include "tokenizers/training/training_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/text_file.h"
#include "tokenizers/text/utf8.h"

namespace zoo {

TrainingText::TrainingText(std::vector<std::filesystem::path> files, Pieces pieces, size_t limit)
    : files_(std::move(files)), pieces_(pieces), limit_(std::max<size_t>(limit, 8)) {}

size_t TrainingText::total_bytes() const {
  size_t bytes = 0;
  for (const auto& file : files_) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

bool TrainingText::open_next_file() {
  if (file_ == files_.size()) return false;
  const auto& path = files_[file_++];
  in_ = std::ifstream(path, std::ios::binary);
  if (!in_ || std::filesystem::is_directory(path)) {
    const int error = in_ ? EISDIR : errno;
    throw std::runtime_error(
        fmt::format("cannot read {}: {}", path.string(), std::generic_category().message(error)));
  }
  buffer_.clear();
  begin_ = place_ = 0;
  read_more();
  require_narrow_text(buffer_, path.string());
  begin_ = place_ = buffer_.size() - without_byte_order_mark(buffer_).size();
  return true;
}

/// Doubles the buffered data, so that a long line is scanned only a few times.
bool TrainingText::read_more() {
  if (!in_.is_open() || !in_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t kept = buffer_.size();
  buffer_.resize(kept + std::max({limit_, kept, size_t{1} << 16}));
  in_.read(buffer_.data() + kept, static_cast<std::streamsize>(buffer_.size() - kept));
  buffer_.resize(kept + static_cast<size_t>(in_.gcount()));
  if (in_.bad()) throw std::runtime_error("cannot read " + files_[file_ - 1].string());
  return true;
}

// Keeps at least one piece's bytes in the buffer until the file ends.
void TrainingText::fill() {
  if (buffer_.size() - begin_ < limit_) read_more();
  if (pieces_ != Pieces::kWholeLines) return;
  while (buffer_.find('\n', begin_) == std::string::npos && read_more()) {
    if (buffer_.size() - begin_ <= kLongestLine) continue;
    throw std::runtime_error(
        fmt::format("{}: the line at byte {} is longer than {} bytes; break it into lines",
                    files_[file_ - 1].string(), place_, kLongestLine));
  }
}

size_t TrainingText::end_of_piece() const {
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  const std::string_view window = rest.substr(0, limit_);
  const size_t line = pieces_ == Pieces::kLines ? window.find('\n') : window.rfind('\n');
  if (line != std::string_view::npos) return line + 1;
  if (pieces_ == Pieces::kWholeLines) return std::min(rest.find('\n'), rest.size() - 1) + 1;
  if (window.size() == rest.size()) return window.size();
  if (const size_t space = window.rfind(' '); space != std::string_view::npos && space > 0) {
    return space;
  }
  size_t end = window.size();  // back to the start of the character that the limit would split
  while (end > window.size() - 4 && (static_cast<uint8_t>(rest[end]) & 0xC0) == 0x80) --end;
  return end;
}

void TrainingText::check(const std::string& piece, size_t begin) const {
  if (const size_t zero = piece.find('\0'); zero != std::string::npos) {
    throw std::runtime_error(fmt::format("{}: not a text file (a zero byte at {}); leave it out",
                                         files_[file_ - 1].string(), begin + zero));
  }
  const size_t bad = utf8::find_invalid(piece);
  if (bad == std::string_view::npos) return;
  throw std::runtime_error(fmt::format(
      "{}: byte 0x{:02X} at {} is not valid UTF-8; convert the file (iconv) or leave it "
      "out",
      files_[file_ - 1].string(), static_cast<uint8_t>(piece[bad]), begin + bad));
}

bool TrainingText::next(std::string& piece) {
  fill();
  while (begin_ == buffer_.size()) {
    if (!open_next_file()) {
      if (bytes_ == 0) throw std::runtime_error("no text to train on: all files are empty");
      return false;
    }
    fill();
  }
  const size_t size = end_of_piece();
  piece.assign(buffer_, begin_, size);
  check(piece, place_);
  begin_ += size;
  place_ += size;
  bytes_ += size;
  if (pieces_ == Pieces::kLines && piece.ends_with('\n')) piece.pop_back();
  return true;
}

}  // namespace zoo
