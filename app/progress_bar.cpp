#include "app/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/printable.h"

#if defined(_WIN32)
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;

bool stderr_is_a_terminal() {
#if defined(_WIN32)
  return _isatty(_fileno(stderr)) != 0;
#else
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
#endif
}

int terminal_width() {
#if !defined(_WIN32)
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  return 80;
}

double plain_every_seconds() {
  if (const char* text = std::getenv("ZOO_PROGRESS_SECONDS")) {
    char* end = nullptr;
    const double seconds = std::strtod(text, &end);
    if (end != text && seconds >= 0) return seconds;
  }
  return 10;
}

/// Columns of a UTF-8 text, one a character.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// The text's first columns, cut between characters.
std::string_view first_columns(std::string_view text, size_t columns) {
  size_t end = 0;
  while (end < text.size()) {
    size_t next = end + 1;
    while (next < text.size() && (text[next] & 0xC0) == 0x80) ++next;
    if (columns-- == 0) break;
    end = next;
  }
  return text.substr(0, end);
}

}  // namespace

ProgressBar::ProgressBar(std::string title, int64_t total, int64_t start)
    : title_(std::move(title)),
      total_(total),
      start_(start),
      done_(start),
      terminal_(stderr_is_a_terminal()),
      plain_every_(plain_every_seconds()),
      began_(Clock::now()),
      last_drawn_(began_) {}

ProgressBar::~ProgressBar() {
  // An exception's message needs a line of its own.
  if (terminal_ && drawn_ && !finished_) std::fputs("\n", stderr);
}

std::string ProgressBar::render(std::string_view details, int width) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - began_).count();
  const double part = total_ > 0 ? std::clamp(static_cast<double>(done_) / total_, 0.0, 1.0) : 1.0;
  std::string time;
  if (done_ >= total_) {
    time = format_duration(elapsed);
  } else if (done_ > start_) {
    const double left = elapsed / static_cast<double>(done_ - start_) * (total_ - done_);
    time = "ETA " + format_duration(left);
  }
  const std::string head = fmt::format("{} {:3.0f}%", title_, std::floor(part * 100));
  std::string tail = fmt::format(" {}/{}", done_, total_);
  if (!details.empty()) tail += fmt::format("  {}", details);
  if (!time.empty()) tail += fmt::format("  {}", time);
  if (!terminal_) return head + tail;

  // Some terminals wrap when the last column is written.
  const auto room = static_cast<size_t>(std::max(width - 1, 0));
  const size_t used = columns_of(head) + columns_of(tail) + 3;
  std::string line = head;
  if (used + 4 <= room) {
    const size_t cells = std::min<size_t>(room - used, 30);
    const auto full = static_cast<size_t>(part * static_cast<double>(cells));
    line += fmt::format(" [{}{}]", std::string(full, '='), std::string(cells - full, ' '));
  }
  line += tail;
  return std::string(first_columns(line, room));
}

void ProgressBar::update(int64_t done, std::string_view details) {
  if (finished_) return;
  done_ = done;
  details_ = details;
  const auto now = Clock::now();
  const double pause = std::chrono::duration<double>(now - last_drawn_).count();
  if (terminal_ ? drawn_ && pause < 0.1 : pause < plain_every_) return;
  draw();
}

void ProgressBar::draw() {
  last_drawn_ = Clock::now();
  drawn_ = true;
  const std::string line = render(details_, terminal_width());
  std::fputs((terminal_ ? "\r" + line + "\x1b[K" : line + "\n").c_str(), stderr);
  std::fflush(stderr);
}

void ProgressBar::print_above(std::string_view line) {
  const std::string text = (terminal_ && drawn_ ? "\r\x1b[K" : "") + std::string(line) + "\n";
  std::fputs(text.c_str(), stderr);
  if (terminal_ && drawn_ && !finished_) draw();
}

void ProgressBar::finish() {
  if (finished_) return;
  draw();
  finished_ = true;
  if (terminal_) std::fputs("\n", stderr);
}

}  // namespace zoo
