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
  explicit LiveText(std::ostream& out) : out_(out) {}

  /// Starts new texts, numbered from 0, each below a line of its own, "== sample 2 of 3"; an empty
  /// heading is none. All earlier texts must have ended.
  void begin(const std::vector<std::string>& headings);
  void add(size_t text, std::string_view part);
  /// The text is complete.
  void end(size_t text);

 private:
  struct Text {
    std::string heading, held;
    bool ended = false;
  };
  void print(std::string_view part);
  void move_on();

  std::ostream& out_;
  bool begun_ = false;  // the current text
  std::vector<Text> texts_;
  size_t current_ = 0;
};

}  // namespace zoo
