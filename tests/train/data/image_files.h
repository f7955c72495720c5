// Image data sets of a few pictures, written as their publishers write them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/figures/heat_map.h"
#include "base/files.h"

namespace zoo::testing {

/// An IDX file of bytes.
inline std::string idx(const std::vector<uint32_t>& sizes, const std::string& bytes) {
  std::string file{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(size >> shift);
  }
  return file + bytes;
}

/// `count` pictures of 4 x 4, whose class (0 or 1) shows in their brightness.
inline std::string two_classes(size_t count) {
  std::string pixels;
  for (size_t i = 0; i < count; ++i) {
    for (size_t p = 0; p < 16; ++p)
      pixels += static_cast<char>((i % 2) * 150 + (i * 7 + p * 5) % 60);
  }
  return pixels;
}
inline std::string alternating(size_t count) {
  std::string labels;
  for (size_t i = 0; i < count; ++i) labels += static_cast<char>(i % 2);
  return labels;
}

/// The four files of the MNIST family.
inline void write_idx_folder(const std::filesystem::path& folder, uint32_t training,
                             uint32_t validation) {
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& part, uint32_t count) {
    write_file(folder / (part + "-images-idx3-ubyte"), idx({count, 4, 4}, two_classes(count)));
    write_file(folder / (part + "-labels-idx1-ubyte"), idx({count}, alternating(count)));
  };
  write("train", training);
  if (validation > 0) write("t10k", validation);
}

/// A picture of one colour.
inline Image plain_image(int width, int height, uint8_t r, uint8_t g, uint8_t b) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) image.rgb.insert(image.rgb.end(), {r, g, b});
  return image;
}

/// An .npy file, version 1.
inline std::string npy(const std::string& type, const std::string& shape, const std::string& bytes,
                       bool fortran = false) {
  std::string header = "{'descr': '" + type +
                       "', 'fortran_order': " + (fortran ? "True" : "False") +
                       ", 'shape': " + shape + ", }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size() & 0xFF) +
         static_cast<char>(header.size() >> 8) + header + bytes;
}

}  // namespace zoo::testing
