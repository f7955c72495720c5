// Progress of long work: a bar on a terminal, otherwise a line from time to time. On stderr.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace zoo {

class ProgressBar {
 public:
  /// total: units of work; start: units already done (a resumed run).
  ProgressBar(std::string title, int64_t total, int64_t start = 0);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// done: units done so far; details: "loss 2.31  lr 1e-3". On a terminal, redraws at most ten
  /// times a second; otherwise prints a line every 10 seconds, or every ZOO_PROGRESS_SECONDS.
  void update(int64_t done, std::string_view details);
  /// Writes a line to stderr, above the bar.
  void print_above(std::string_view line);
  /// Writes a line to stdout. Where the terminal shows both streams, it stands above the bar.
  void print_result_above(std::string_view line);
  /// Leaves the finished bar on the screen and ends the line.
  void finish();

 private:
  std::string render(std::string_view details, int width) const;
  void draw();
  void wipe() const;
  std::string title_, details_;
  int64_t total_, start_, done_;
  bool terminal_;
  double plain_every_;  // seconds
  bool drawn_ = false, finished_ = false;
  std::chrono::steady_clock::time_point began_, last_drawn_;
};

}  // namespace zoo
