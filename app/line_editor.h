// Lines that a person types, with editing and history where a terminal allows.
#pragma once
#include <memory>
#include <string>

namespace zoo {

/// Asks on stderr and reads standard input. Where both are a terminal: arrow keys, Emacs' keys (or
/// vi's, by ~/.editrc), and the lines before (up, down, Ctrl-R), by libedit, if the zoo was built
/// with it. Otherwise plain lines; without a terminal nobody is asked.
class LineEditor {
 public:
  explicit LineEditor(std::string prompt);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// Without its line end. False at the end of the input (Ctrl-D). Throws std::runtime_error for
  /// text that LineReader refuses.
  bool next(std::string& line);

 private:
  class Source;
  class Edited;
  class Plain;
  std::unique_ptr<Source> source_;
};

}  // namespace zoo
