#include "models/images/stb_decoders.h"

#include <cstdlib>
#include <limits>
#include <memory>
#include <stdexcept>

namespace {

// A small file may inflate to any size: what stb asks for is refused past this.
thread_local size_t most_bytes = std::numeric_limits<size_t>::max();

void* limited_realloc(void* old, size_t size) {
  return size > most_bytes ? nullptr : std::realloc(old, size);
}

}  // namespace

#define STBI_MALLOC(size) limited_realloc(nullptr, size)
#define STBI_REALLOC(old, size) limited_realloc(old, size)
#define STBI_FREE(old) std::free(old)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

namespace zoo::detail {
namespace {

const stbi_uc* bytes_of(std::string_view file) {
  return reinterpret_cast<const stbi_uc*>(file.data());
}

int length_of(std::string_view file) {
  if (file.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    throw std::runtime_error("larger than 2 GB");
  return static_cast<int>(file.size());
}

[[noreturn]] void fail() {
  const char* reason = stbi_failure_reason();
  throw std::runtime_error(reason == nullptr ? "not decodable" : reason);
}

}  // namespace

ImageSize stb_image_size(std::string_view file) {
  ImageSize size;
  int channels = 0;
  if (stbi_info_from_memory(bytes_of(file), length_of(file), &size.width, &size.height,
                            &channels) == 0)
    fail();
  return size;
}

Image stb_decode(std::string_view file, size_t limit) {
  Image image;
  int channels = 0;
  most_bytes = limit;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes_of(file), length_of(file), &image.width, &image.height, &channels,
                            3),
      &std::free);
  most_bytes = std::numeric_limits<size_t>::max();
  if (pixels == nullptr) fail();
  const size_t count = static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * 3;
  image.rgb.assign(pixels.get(), pixels.get() + count);
  return image;
}

std::string inflate(std::string_view deflated, size_t size) {
  if (size > static_cast<size_t>(std::numeric_limits<int>::max()))
    throw std::runtime_error("larger than 2 GB");
  std::string bytes(size, '\0');
  // stb reads ahead, and takes the last codes for missing where nothing stands behind them.
  const std::string padded = std::string(deflated) + std::string(8, '\0');
  const int written = stbi_zlib_decode_noheader_buffer(bytes.data(), static_cast<int>(size),
                                                       padded.data(), length_of(padded));
  if (written != static_cast<int>(size)) throw std::runtime_error("damaged compressed data");
  return bytes;
}

}  // namespace zoo::detail
