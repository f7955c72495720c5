#include "app/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/note.h"
#include "base/printable.h"
#include "base/streams.h"

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

/// Of a terminal that does not tell its size: what COLUMNS says, or 80.
int terminal_width() {
#if !defined(_WIN32)
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  if (const char* text = std::getenv("COLUMNS")) {
    const int columns = std::atoi(text);
    if (columns > 0) return columns;
  }
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
  if (terminal_ && drawn_ && !finished_) write_to_stderr("\n");
}

std::string ProgressBar::render(std::string_view details, int width) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - began_).count();
  const double part = total_ > 0 ? std::clamp(static_cast<double>(done_) / total_, 0.0, 1.0) : 1.0;
  std::string time;
  if (done_ >= total_) {
    time = "  " + format_duration(elapsed);
  } else if (done_ > start_) {
    const double left = elapsed / static_cast<double>(done_ - start_) * (total_ - done_);
    time = "  ETA " + format_duration(left);
  }
  const std::string percent = fmt::format("{:3.0f}%", std::floor(part * 100));
  const std::string head = fmt::format("{} {}", title_, percent);
  const std::string count = fmt::format(" {}/{}", done_, total_);
  std::string more = details.empty() ? "" : fmt::format("  {}", details);
  if (!terminal_) return head + count + more + time;

  // Some terminals wrap when the last column is written.
  const auto room = static_cast<size_t>(std::max(width - 1, 0));
  const size_t whole = columns_of(head + count + more + time) + 3;
  if (whole + 4 <= room) {
    const size_t cells = std::min<size_t>(room - whole, 30);
    const auto full = static_cast<size_t>(part * static_cast<double>(cells));
    const auto bar = std::string(full, '=') + std::string(cells - full, ' ');
    return fmt::format("{} [{}]{}{}{}", head, bar, count, more, time);
  }
  // The time that is left matters most, then the count, then the details, the first ones most.
  while (!more.empty() && columns_of(head + count + more + time) > room)
    more.erase(more.rfind("  "));
  std::string line;
  for (const std::string& shorter :
       {head + count + more + time, percent + count + time, percent + time, percent})
    if (line.empty() && columns_of(shorter) <= room) line = shorter;
  return line.empty() ? std::string(first_columns(percent, room)) : line;
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
  if (notes_are_muted()) return;
  last_drawn_ = Clock::now();
  drawn_ = true;
  const std::string line = render(details_, terminal_width());
  write_to_stderr(terminal_ ? "\r" + line + "\x1b[K" : line + "\n");
}

/// Makes its line free for another text.
void ProgressBar::wipe() const {
  if (terminal_ && drawn_ && !finished_) write_to_stderr("\r\x1b[K");
}

void ProgressBar::print_above(std::string_view line) {
  wipe();
  note(line);
  if (terminal_ && drawn_ && !finished_) draw();
}

void ProgressBar::print_result_above(std::string_view line) {
  wipe();
  write_to_stdout(std::string(line) + "\n");
  if (terminal_ && drawn_ && !finished_) draw();
}

void ProgressBar::finish() {
  if (finished_) return;
  draw();
  finished_ = true;
  if (terminal_ && drawn_) write_to_stderr("\n");
}

}  // namespace zoo
