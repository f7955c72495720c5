#include "train/data/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crc32c.h"

namespace zoo {

DataFingerprint& DataFingerprint::add(std::string_view bytes) {
  checksum_ = crc32c(bytes, checksum_);
  bytes_ += bytes.size();
  return *this;
}

DataFingerprint& DataFingerprint::add(const torch::Tensor& tensor) {
  const auto values = tensor.contiguous();
  return add(std::string_view(static_cast<const char*>(values.data_ptr()), values.nbytes()));
}

DataFingerprint& DataFingerprint::add(const TokenSequences& sequences) {
  for (int64_t i = 0; i < sequences.size(); ++i) {
    const int64_t length = sequences.length(i);
    add(std::span(&length, 1)).add(sequences.at(i));
  }
  return *this;
}

DataFingerprint& DataFingerprint::add(const TokenRange& range) {
  constexpr int64_t kPieces = 1024, kPiece = 4096;  // four million ids at most
  const int64_t size = range.size(), every = std::max(kPiece, size / kPieces);
  add(std::span(&size, 1));
  for (int64_t at = 0; at < size; at += every)
    add(range.stream->read(range.begin + at, std::min(kPiece, size - at)));
  return *this;
}

std::string DataFingerprint::text() const { return fmt::format("{:08x}-{}", checksum_, bytes_); }

}  // namespace zoo
