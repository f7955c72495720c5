#include "train/data/segment_source.h"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <utility>

namespace zoo {

SegmentSource::SegmentSource(TokenRange range, int64_t batch, int64_t length)
    : range_(std::move(range)),
      batch_(batch),
      length_(length),
      stretch_((range_.size() - 1) / batch),  // the last target is no input
      segments_(stretch_ / length) {
  if (segments_ < 1) {
    throw std::runtime_error(
        fmt::format("the text is too short: its training part has {} tokens, a segment of each of "
                    "{} rows needs {}; use more text, a smaller --context or --batch-size",
                    range_.size(), batch_, batch_ * length_ + 1));
  }
}

TextBatch SegmentSource::next() {
  const auto starts = torch::arange(batch_, torch::kLong) * stretch_ + number_ * length_;
  number_ = (number_ + 1) % segments_;
  return read_windows(range_, starts, length_);
}

std::string SegmentSource::state() const { return fmt::format("segment {}", number_); }

void SegmentSource::restore(std::string_view state) {
  constexpr std::string_view kWord = "segment ";
  int64_t number = -1;
  if (state.starts_with(kWord)) {
    const char* const end = state.data() + state.size();
    const auto [stop, error] = std::from_chars(state.data() + kWord.size(), end, number);
    if (error != std::errc() || stop != end) number = -1;
  }
  if (number < 0 || number >= segments_) {
    throw std::runtime_error(fmt::format(
        "position in the data: not a number of one of {} segments, '{}'", segments_, state));
  }
  number_ = number;
}

}  // namespace zoo
