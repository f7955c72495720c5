#include "train/data/images/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "base/files.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTrainingImages = "train-images-idx3-ubyte";

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", file.string(), what));
}

LabelledImages read_pair(const fs::path& images_file, const fs::path& labels_file) {
  const auto pixels = read_idx(images_file), labels = read_idx(labels_file);
  if (pixels.dim() != 3) fail(images_file, "pictures need 3 sizes: number, rows, columns");
  if (labels.dim() != 1) fail(labels_file, "labels need 1 size: their number");
  LabelledImages images{pixels.unsqueeze(1), labels.to(torch::kLong)};
  check_images(images, 256,
               fmt::format("{} and {}", images_file.string(), labels_file.filename().string()));
  return images;
}

}  // namespace

torch::Tensor read_idx(const fs::path& file) {
  const std::string bytes = read_file(file);
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[at]); };
  if (bytes.starts_with("\x1f\x8b")) fail(file, "still compressed; unpack it with gunzip");
  if (bytes.size() < 4 || byte(0) != 0 || byte(1) != 0 || byte(3) < 1 || byte(3) > 4)
    fail(file, "no IDX file: it must begin with 0, 0, a type and a number of sizes");
  if (byte(2) != 8)
    fail(file, fmt::format("type {:#04x}, but only bytes (0x08) are read", byte(2)));
  const size_t start = 4 + 4 * size_t{byte(3)};
  if (bytes.size() < start) fail(file, "cut off before its sizes");
  std::vector<int64_t> sizes;
  uint64_t expected = 1;
  for (size_t at = 4; at < start; at += 4) {
    uint64_t size = 0;
    for (size_t i = at; i < at + 4; ++i) size = size << 8 | byte(i);
    // Past the file's length it only needs to stay wrong.
    expected = std::min<uint64_t>(expected * size, bytes.size() + 1);
    sizes.push_back(static_cast<int64_t>(size));
  }
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) fail(file, "a size is 0");
  if (expected != bytes.size() - start) {
    fail(file, fmt::format("its sizes {} do not fit the {} bytes that follow",
                           fmt::join(sizes, " x "), bytes.size() - start));
  }
  auto values = torch::empty(sizes, torch::kByte);
  std::copy(bytes.begin() + static_cast<ptrdiff_t>(start), bytes.end(),
            reinterpret_cast<char*>(values.data_ptr<uint8_t>()));
  return values;
}

bool has_idx(const fs::path& folder) { return fs::exists(folder / kTrainingImages); }

ImageDataSet read_idx_folder(const fs::path& folder) {
  ImageDataSet data;
  data.training = read_pair(folder / kTrainingImages, folder / "train-labels-idx1-ubyte");
  if (const auto file = folder / "t10k-images-idx3-ubyte"; fs::exists(file))
    data.validation = read_pair(file, folder / "t10k-labels-idx1-ubyte");
  data.class_names = numbered_classes(data);
  return data;
}

}  // namespace zoo
