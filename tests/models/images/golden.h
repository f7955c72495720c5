// What Pillow and transformers made of small pictures: tests/golden/images.json.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/figures/heat_map.h"
#include "base/files.h"

namespace zoo::testing {

inline const nlohmann::json& golden_images() {
  static const auto golden = nlohmann::json::parse(read_file("tests/golden/images.json"));
  return golden;
}

inline std::string bytes_of(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

inline std::vector<uint8_t> pixels_of(const std::string& digits) {
  const std::string bytes = bytes_of(digits);
  return {bytes.begin(), bytes.end()};
}

/// Sharp edges and all values, by the formula of the script that made the file.
inline Image picture(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c)
        image.rgb.push_back(static_cast<uint8_t>(x * 37 + y * 101 + c * 59 + x * y * 13));
    }
  }
  return image;
}

}  // namespace zoo::testing
