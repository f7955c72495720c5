// Safetensors files by hand: any header over any data, true or lying.
#pragma once
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace zoo::testing {

/// The 8 bytes that open a file.
inline std::string length_bytes(uint64_t length) {
  std::string bytes(8, '\0');
  for (auto& byte : bytes) {
    byte = static_cast<char>(length & 0xff);
    length >>= 8;
  }
  return bytes;
}

inline std::string file_bytes(std::string_view header, size_t data_bytes) {
  return length_bytes(header.size()) + std::string(header) + std::string(data_bytes, '\0');
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace zoo::testing
