// The training text of a tokenizer, read in small pieces: files can be larger than memory.
#pragma once
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace zoo {

class TrainingText {
 public:
  enum class Pieces {
    kBlocks,      ///< many lines at once, including line feeds
    kWholeLines,  ///< the same, but lines are never split
    kLines        ///< one line at a time, without its line feed
  };
  /// The longest line that kWholeLines allows; a longer one is an error.
  static constexpr size_t kLongestLine = size_t{256} << 20;

  /// No piece is longer than `limit` bytes. Longer lines are split, at a space if there is one and
  /// never inside a character. With kWholeLines such a line is a piece of its own.
  TrainingText(std::vector<std::filesystem::path> files, Pieces pieces, size_t limit = 4096);

  /// The next piece, which is empty for an empty line; false at the end. A byte order mark at the
  /// start of a file is skipped. Throws std::runtime_error, naming file and byte, for a file that
  /// cannot be read, is not UTF-8, has a zero byte or too long a line; and at the end if all files
  /// were empty.
  bool next(std::string& piece);
  /// Bytes returned so far.
  size_t bytes() const { return bytes_; }
  /// Bytes of all files, as far as they are known in advance.
  size_t total_bytes() const;

 private:
  bool open_next_file();
  void fill();
  bool read_more();
  size_t end_of_piece() const;
  void check(const std::string& piece, size_t begin) const;
  std::vector<std::filesystem::path> files_;
  Pieces pieces_;
  size_t limit_, file_ = 0, begin_ = 0, place_ = 0, bytes_ = 0;
  std::ifstream in_;
  std::string buffer_;  // from begin_ (place_ in the file) on: read, but not yet returned
};

}  // namespace zoo
