#include "train/data/images/cifar.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/files.h"
#include "train/data/text_lines.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kSide = 32, kPixels = 3 * kSide * kSide;

/// Records of `label_bytes` labels, of which the last counts, and a picture.
LabelledImages read_records(const fs::path& file, int64_t label_bytes) {
  const std::string bytes = read_file(file);
  const int64_t record = label_bytes + kPixels, size = std::ssize(bytes);
  if (size == 0 || size % record != 0) {
    throw std::runtime_error(fmt::format("{}: {} bytes are no whole number of records of {}",
                                         file.string(), size, record));
  }
  auto all = torch::empty({size / record, record}, torch::kByte);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(all.data_ptr<uint8_t>()));
  return {all.narrow(1, label_bytes, kPixels).reshape({-1, 3, kSide, kSide}).contiguous(),
          all.select(1, label_bytes - 1).to(torch::kLong)};
}

std::vector<std::string> read_names(const fs::path& file, size_t classes) {
  std::vector<std::string> names;
  if (!fs::exists(file)) {
    for (size_t k = 0; k < classes; ++k) names.push_back(std::to_string(k));
    return names;
  }
  for (auto& line : read_text_lines(file))
    if (!line.empty()) names.push_back(std::move(line));
  if (names.size() == classes) return names;
  throw std::runtime_error(
      fmt::format("{}: must name {} classes, not {}", file.string(), classes, names.size()));
}

LabelledImages joined(const std::vector<LabelledImages>& parts) {
  std::vector<torch::Tensor> pixels, labels;
  for (const auto& part : parts) {
    pixels.push_back(part.pixels);
    labels.push_back(part.labels);
  }
  return {torch::cat(pixels), torch::cat(labels)};
}

}  // namespace

bool has_cifar(const fs::path& folder) {
  return fs::exists(folder / "data_batch_1.bin") || fs::exists(folder / "train.bin");
}

ImageDataSet read_cifar(const fs::path& folder) {
  const bool ten = fs::exists(folder / "data_batch_1.bin");
  const int64_t classes = ten ? 10 : 100, label_bytes = ten ? 1 : 2;
  ImageDataSet data;
  const auto read = [&](const std::string& name) {
    auto images = read_records(folder / name, label_bytes);
    check_images(images, classes, (folder / name).string());
    return images;
  };
  if (ten) {
    std::vector<LabelledImages> parts;
    for (int part = 1; part <= 5; ++part)
      parts.push_back(read(fmt::format("data_batch_{}.bin", part)));
    data.training = joined(parts);
  } else {
    data.training = read("train.bin");
  }
  if (const auto* test = ten ? "test_batch.bin" : "test.bin"; fs::exists(folder / test))
    data.validation = read(test);
  data.class_names = read_names(folder / (ten ? "batches.meta.txt" : "fine_label_names.txt"),
                                static_cast<size_t>(classes));
  return data;
}

}  // namespace zoo
