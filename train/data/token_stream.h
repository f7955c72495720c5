// A text as token ids on disk: written once, then memory-mapped, so a text may be larger than
// memory.
//
// File: a header of 64 bytes (little-endian), then the ids.
//   0  "ZOOTOKEN"      8  version (u32)     12  bytes per id, 2 or 4 (u32)
//   16 ids (u64)       24 vocabulary (u64)  32  fingerprint of the tokenizer (u64)
//   40 bytes of text (u64)                  48  zeros
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/files.h"
#include "models/pretrained/format/mapped_file.h"

namespace zoo {

struct TokenStreamInfo {
  uint64_t vocab_size = 0;
  uint64_t fingerprint = 0;  ///< of the tokenizer that made the ids
  uint64_t text_bytes = 0;
};

/// Appends ids to a PendingFile: the file exists only after finish().
class TokenStreamWriter {
 public:
  TokenStreamWriter(std::filesystem::path path, uint64_t vocab_size, uint64_t fingerprint);
  /// Throws std::invalid_argument for an id outside the vocabulary, std::runtime_error if the disk
  /// is full.
  void append(std::span<const int32_t> ids, uint64_t text_bytes);
  void finish();

 private:
  std::string header() const;
  PendingFile file_;
  TokenStreamInfo info_;
  uint64_t count_ = 0;
  uint32_t width_ = 2;
};

class TokenStream {
 public:
  /// Throws std::runtime_error: not a token stream, another version, damaged (size does not match).
  explicit TokenStream(const std::filesystem::path& path);
  /// Throws std::runtime_error if another tokenizer made the ids.
  void require_tokenizer(uint64_t fingerprint, uint64_t vocab_size) const;

  int64_t size() const { return count_; }
  const TokenStreamInfo& info() const { return info_; }
  /// Ids begin .. begin + count - 1 as int64 [count]. Throws std::runtime_error if the file holds
  /// an id outside its vocabulary, c10::Error for a range outside the stream.
  torch::Tensor read(int64_t begin, int64_t count) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  TokenStreamInfo info_;
  int64_t count_ = 0;
  uint32_t width_ = 2;
};

}  // namespace zoo
