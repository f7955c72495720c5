// The text that a tokenizer is trained on, read in small pieces: files may be larger than memory.
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
    kBlocks,      ///< many lines at once, line feeds included
    kWholeLines,  ///< the same, and no line is ever cut
    kLines        ///< one line at a time, without its line feed
  };
  /// What kWholeLines takes for one line; a longer one is an error.
  static constexpr size_t kLongestLine = size_t{256} << 20;

  /// No piece is longer than `limit` bytes; longer lines are cut, at a space where there is one and
  /// never inside a character. Of kWholeLines such a line is a piece of its own.
  TrainingText(std::vector<std::filesystem::path> files, Pieces pieces, size_t limit = 4096);

  /// The next piece, which may be empty (an empty line); false at the end. A byte order mark at a
  /// file's beginning is in no piece. Throws std::runtime_error for a file that cannot be read, is
  /// not UTF-8, has a zero byte or too long a line, naming file and byte, and at the end if all
  /// files were empty.
  bool next(std::string& piece);
  /// Bytes handed out so far.
  size_t bytes() const { return bytes_; }
  /// Bytes of all files, as far as that can be known beforehand.
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
  std::string buffer_;  // from begin_ (place_ in the file) on: read and not yet handed out
};

}  // namespace zoo
