// Deflate and its checksum, by zlib: PNG's and NumPy's files are made of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zoo {

/// The checksum of PNG chunks and of ZIP members: CRC-32 of ISO 3309.
uint32_t crc32(std::string_view bytes);

/// What `deflated` (raw deflate, as in ZIP) stands for, which must be `size` bytes. Throws
/// std::runtime_error for other bytes.
std::string inflate(std::string_view deflated, size_t size);

/// What a zlib stream stands for, as far as it goes where it is cut off; nothing where it is
/// damaged. Throws std::runtime_error for more than `most_bytes`.
std::optional<std::string> inflate_text(std::string_view packed, size_t most_bytes);

}  // namespace zoo
