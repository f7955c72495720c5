// The checksum of PNG chunks and of ZIP members: CRC-32 of ISO 3309.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace zoo {

inline uint32_t crc32(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t n = 0; n < 256; ++n) {
      uint32_t value = n;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0u);
      table[n] = value;
    }
    return table;
  }();
  uint32_t sum = ~0u;
  for (const char byte : bytes) sum = sum >> 8 ^ kTable[(sum ^ static_cast<uint8_t>(byte)) & 0xFF];
  return ~sum;
}

}  // namespace zoo
