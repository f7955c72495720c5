#include "train/data/window_source.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace zoo {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  throw std::runtime_error("position in the data: not hexadecimal digits");
}

}  // namespace

TextBatch read_windows(const TokenRange& range, const torch::Tensor& starts, int64_t length) {
  const int64_t B = starts.size(0);
  auto tokens = torch::empty({B, length + 1}, torch::kLong);
  for (int64_t b = 0; b < B; ++b) {
    tokens[b].copy_(range.stream->read(range.begin + starts[b].item<int64_t>(), length + 1));
  }
  return {tokens.narrow(1, 0, length), tokens.narrow(1, 1, length)};  // [B, T] twice
}

RandomWindows::RandomWindows(TokenRange range, int64_t batch, int64_t length, uint64_t seed)
    : range_(std::move(range)),
      batch_(batch),
      length_(length),
      generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {
  if (range_.size() <= length_) {
    throw std::runtime_error(
        fmt::format("the text is too short: its training part has {} tokens, a window needs {}; "
                    "use more text or a smaller --context",
                    range_.size(), length_ + 1));
  }
}

TextBatch RandomWindows::next() {
  const auto starts =
      torch::randint(0, range_.size() - length_, {batch_}, generator_, torch::kLong);
  return read_windows(range_, starts, length_);
}

std::string RandomWindows::state() const {
  const auto bytes = generator_.get_state();  // [5056] uint8
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (const uint8_t byte :
       std::span(bytes.data_ptr<uint8_t>(), static_cast<size_t>(bytes.numel()))) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

void RandomWindows::restore(std::string_view state) {
  auto bytes = torch::empty({static_cast<int64_t>(state.size() / 2)}, torch::kByte);
  if (state.size() % 2 != 0 || bytes.numel() != generator_.get_state().numel()) {
    throw std::runtime_error("position in the data: has another length than a generator's state");
  }
  for (size_t i = 0; i < state.size() / 2; ++i) {
    bytes.data_ptr<uint8_t>()[i] =
        static_cast<uint8_t>(16 * hex_digit(state[2 * i]) + hex_digit(state[2 * i + 1]));
  }
  try {
    generator_.set_state(bytes);
  } catch (const c10::Error&) {
    throw std::runtime_error("position in the data: no state of a generator");
  }
}

ConsecutiveWindows::ConsecutiveWindows(TokenRange range, int64_t batch, int64_t length)
    : range_(std::move(range)), batch_(batch), length_(length) {
  if (range_.size() < 2) {
    throw std::runtime_error(
        fmt::format("the text is too short: its validation part has {} tokens, at least 2 are "
                    "needed; use more text or a larger --validation-share",
                    range_.size()));
  }
}

int64_t ConsecutiveWindows::batches() const {
  const bool remainder = (range_.size() - 1) % length_ != 0;
  return (whole_windows() + batch_ - 1) / batch_ + (remainder ? 1 : 0);
}

TextBatch ConsecutiveWindows::at(int64_t index) const {
  const int64_t first = index * batch_;
  if (first >= whole_windows()) {  // the remainder
    const int64_t start = whole_windows() * length_;
    return read_windows(range_, torch::tensor({start}, torch::kLong), range_.size() - 1 - start);
  }
  const int64_t count = std::min(batch_, whole_windows() - first);
  return read_windows(range_, torch::arange(first, first + count, torch::kLong) * length_, length_);
}

}  // namespace zoo
