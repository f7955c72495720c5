// CRC-32C (Castagnoli): the checksum of TensorBoard records, checkpoint files and data.
#pragma once
#include <cstdint>
#include <string_view>

namespace zoo {

/// Of `bytes`, or of all bytes of which `before` is the sum so far and `bytes` what follows.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace zoo
