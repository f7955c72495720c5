// Prints several concurrent texts one after the other: the first unfinished one live, the others in
// turn.
#pragma once
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

class LiveText {
 public:
  /// `separate`: a line of dashes between texts.
  LiveText(std::ostream& out, bool separate) : out_(out), separate_(separate) {}

  /// Starts new texts, numbered from 0. All earlier texts must have ended.
  void begin(size_t texts);
  void add(size_t text, std::string_view part);
  /// The text is complete.
  void end(size_t text);

 private:
  struct Text {
    std::string held;
    bool ended = false;
  };
  void print(std::string_view part);
  void move_on();

  std::ostream& out_;
  bool separate_, anything_printed_ = false, line_open_ = false;
  std::vector<Text> texts_;
  size_t current_ = 0;
};

}  // namespace zoo
