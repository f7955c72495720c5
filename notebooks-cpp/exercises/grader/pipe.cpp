#include "notebooks-cpp/exercises/grader/pipe.h"

#include <torch/csrc/jit/serialization/pickle.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace exercises {
namespace {

constexpr size_t kHeader = sizeof(uint64_t);

uint64_t length_of(const std::vector<char>& bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kHeader);
  return length;
}

}  // namespace

std::vector<char> make_frame(const Value& value) {
  const auto content = torch::jit::pickle_save(value);
  const uint64_t length = content.size();
  std::vector<char> bytes(kHeader + content.size());
  std::memcpy(bytes.data(), &length, kHeader);
  std::memcpy(bytes.data() + kHeader, content.data(), content.size());
  return bytes;
}

void write_frame(int descriptor, const Value& value) {
  const auto bytes = make_frame(value);
  for (size_t done = 0; done < bytes.size();) {
    const auto count = write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::runtime_error("the pipe between grader and exercise is closed");
    done += static_cast<size_t>(count);
  }
}

std::optional<Arrival> FrameReader::read_some() {
  std::array<char, 1 << 16> buffer{};
  const auto count = read(descriptor_, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (count <= 0) return Arrival::kEnd;
  bytes_.insert(bytes_.end(), buffer.begin(), buffer.begin() + count);
  if (bytes_.size() < kHeader) return {};
  if (length_of(bytes_) > most_bytes_) return Arrival::kEnd;
  if (bytes_.size() < kHeader + length_of(bytes_)) return {};
  return Arrival::kFrame;
}

Value FrameReader::take() {
  const auto length = static_cast<std::ptrdiff_t>(length_of(bytes_));
  const auto begin = bytes_.begin() + kHeader;
  const std::vector<char> content(begin, begin + length);
  bytes_.erase(bytes_.begin(), begin + length);
  return torch::jit::pickle_load(content);
}

}  // namespace exercises
