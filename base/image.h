// A picture in memory.
#pragma once
#include <cstdint>
#include <vector>

namespace zoo {

/// 8-bit RGB, rows from the top.
struct Image {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // width * height * 3
};

}  // namespace zoo
