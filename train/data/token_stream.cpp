#include "train/data/token_stream.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMagic = "ZOOTOKEN";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kHeaderBytes = 64;
constexpr uint64_t kNarrow = uint64_t{1} << 16;  // vocabularies up to this fit in 2 bytes an id

// Byte by byte, so that files are the same on machines of either byte order.
template <class T>
void put(std::string& bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
}

template <class T>
T get(const std::byte* bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<T>(bytes[i]) << (8 * i));
  return value;
}

}  // namespace

TokenStreamWriter::TokenStreamWriter(fs::path path, uint64_t vocab_size, uint64_t fingerprint)
    : file_(std::move(path)),
      info_{.vocab_size = vocab_size, .fingerprint = fingerprint},
      width_(vocab_size <= kNarrow ? 2 : 4) {
  file_.write(header());
}

void TokenStreamWriter::append(std::span<const int32_t> ids, uint64_t text_bytes) {
  std::string bytes;
  bytes.reserve(ids.size() * width_);
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<uint64_t>(id) >= info_.vocab_size) {
      throw std::invalid_argument(
          fmt::format("token stream: id {} is outside the vocabulary of {}", id, info_.vocab_size));
    }
    if (width_ == 2)
      put(bytes, static_cast<uint16_t>(id));
    else
      put(bytes, static_cast<uint32_t>(id));
  }
  file_.write(bytes);
  count_ += ids.size();
  info_.text_bytes += text_bytes;
}

void TokenStreamWriter::finish() {
  file_.rewrite_start(header());
  file_.commit();
}

std::string TokenStreamWriter::header() const {
  std::string bytes(kMagic);
  put(bytes, kVersion);
  put(bytes, width_);
  put(bytes, count_);
  put(bytes, info_.vocab_size);
  put(bytes, info_.fingerprint);
  put(bytes, info_.text_bytes);
  bytes.resize(kHeaderBytes, '\0');
  return bytes;
}

TokenStream::TokenStream(const fs::path& path) : path_(path), file_(path) {
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error(fmt::format(
        "token stream '{}': {}; remove it and let the program make it anew", path.string(), what));
  };
  if (file_.size() < kHeaderBytes || std::memcmp(file_.data(), kMagic.data(), kMagic.size()) != 0) {
    fail("not a token stream");
  }
  const std::byte* const h = file_.data();
  if (const auto version = get<uint32_t>(h + 8); version != kVersion) {
    fail(fmt::format("version {}, expected {}", version, kVersion));
  }
  width_ = get<uint32_t>(h + 12);
  const auto count = get<uint64_t>(h + 16);
  info_ = {.vocab_size = get<uint64_t>(h + 24),
           .fingerprint = get<uint64_t>(h + 32),
           .text_bytes = get<uint64_t>(h + 40)};
  if (width_ != 2 && width_ != 4) fail(fmt::format("{} bytes an id, expected 2 or 4", width_));
  const uint64_t payload = file_.size() - kHeaderBytes;
  if (payload % width_ != 0 || count != payload / width_) {
    fail(fmt::format("holds {} bytes of ids where its header announces {} ids of {} bytes", payload,
                     count, width_));
  }
  count_ = static_cast<int64_t>(count);
}

void TokenStream::require_tokenizer(uint64_t fingerprint, uint64_t vocab_size) const {
  if (info_.fingerprint == fingerprint && info_.vocab_size == vocab_size) return;
  throw std::runtime_error(
      fmt::format("token stream '{}' was made by another tokenizer (vocabulary {}, this one {}); "
                  "encode the text anew",
                  path_.string(), info_.vocab_size, vocab_size));
}

torch::Tensor TokenStream::read(int64_t begin, int64_t count) const {
  TORCH_CHECK(begin >= 0 && count >= 0 && begin <= count_ - count, "token stream: ids ", begin,
              " to ", begin + count, " are outside its ", count_);
  auto ids = torch::empty({count}, torch::kLong);
  int64_t* const out = ids.data_ptr<int64_t>();
  const std::byte* const in = file_.data() + kHeaderBytes + static_cast<uint64_t>(begin) * width_;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t id = width_ == 2 ? get<uint16_t>(in + 2 * i) : get<uint32_t>(in + 4 * i);
    if (id >= info_.vocab_size) {
      throw std::runtime_error(fmt::format(
          "token stream '{}': token id {} at position {} is outside its vocabulary of {}",
          path_.string(), id, begin + i, info_.vocab_size));
    }
    out[i] = static_cast<int64_t>(id);
  }
  return ids;
}

}  // namespace zoo
