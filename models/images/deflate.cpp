#include "models/images/deflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace zoo {
namespace {

/// zlib's window: the largest, with its header and sum or without.
constexpr int kWithHeader = 15, kRaw = -15;

class Inflater {
 public:
  explicit Inflater(int window) {
    if (inflateInit2(&stream_, window) != Z_OK) throw std::runtime_error("zlib has no memory");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out` from `in`; returns the number of bytes, and whether `in` was valid so far.
  std::pair<size_t, bool> run(std::string_view in, std::string& out) {
    size_t read = 0, written = 0;
    int state = Z_OK;
    while (state == Z_OK && written < out.size()) {
      // zlib counts in 32 bits.
      const auto piece = [](size_t bytes) {
        return static_cast<uInt>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
      };
      const uInt given = piece(in.size() - read), room = piece(out.size() - written);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data() + read));
      stream_.avail_in = given;
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + written);
      stream_.avail_out = room;
      state = ::inflate(&stream_, Z_NO_FLUSH);
      read += given - stream_.avail_in;
      written += room - stream_.avail_out;
    }
    return {written, state == Z_OK || state == Z_STREAM_END || state == Z_BUF_ERROR};
  }

 private:
  z_stream stream_ = {};
};

}  // namespace

uint32_t crc32(std::string_view bytes) {
  return static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string inflate(std::string_view deflated, size_t size) {
  // Room for one more byte, to detect data that is too long.
  std::string bytes(size + 1, '\0');
  const auto [written, whole] = Inflater(kRaw).run(deflated, bytes);
  if (!whole || written != size) throw std::runtime_error("damaged compressed data");
  bytes.resize(size);
  return bytes;
}

std::optional<std::string> inflate_text(std::string_view packed, size_t most_bytes) {
  std::string text(most_bytes + 1, '\0');
  const auto [written, whole] = Inflater(kWithHeader).run(packed, text);
  if (!whole) return std::nullopt;
  if (written > most_bytes)
    throw std::runtime_error(fmt::format("a text in it has more than {} bytes", most_bytes));
  text.resize(written);
  return text;
}

}  // namespace zoo
