// Deflate and CRC-32 by zlib, for PNG and NumPy files.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zoo {

/// The checksum of PNG chunks and of ZIP members: CRC-32 of ISO 3309.
uint32_t crc32(std::string_view bytes);

/// Decompresses raw deflate data, as in ZIP, to exactly `size` bytes. Throws std::runtime_error for
/// damaged data or another size.
std::string inflate(std::string_view deflated, size_t size);

/// Decompresses a zlib stream; of a truncated one the part that is there, nullopt for a damaged
/// one. Throws std::runtime_error for more than `most_bytes`.
std::optional<std::string> inflate_text(std::string_view packed, size_t most_bytes);

}  // namespace zoo
