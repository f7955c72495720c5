#include "train/data/images/class_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <stdexcept>

#include "base/interrupt.h"
#include "base/text_file.h"
#include "models/images/image.h"
#include "models/images/resize.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

// All pictures stay in memory.
constexpr int64_t kMostBytes = int64_t{8} << 30;

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_system_name(entry.path())) entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

struct Files {
  std::vector<fs::path> paths;
  std::vector<int64_t> labels;
};

Files files_of(const fs::path& folder, const std::vector<std::string>& classes) {
  Files files;
  for (size_t k = 0; k < classes.size(); ++k) {
    const size_t before = files.paths.size();
    if (!fs::is_directory(folder / classes[k]))
      throw std::runtime_error(
          fmt::format("{}: no such folder, but the class has pictures to train on",
                      (folder / classes[k]).string()));
    for (const auto& path : sorted_entries(folder / classes[k])) {
      if (!fs::is_regular_file(path))
        throw std::runtime_error(path.string() + ": only picture files may lie in a class folder");
      files.paths.push_back(path);
      files.labels.push_back(static_cast<int64_t>(k));
    }
    if (files.paths.size() == before) {
      throw std::runtime_error(
          fmt::format("{}: a class without pictures; remove the folder or "
                      "fill it",
                      (folder / classes[k]).string()));
    }
  }
  return files;
}

/// Reads one file into `pixels` [channels, H, W].
void read_into(torch::Tensor pixels, const fs::path& file) {
  const int64_t C = pixels.size(0);
  const auto H = static_cast<int>(pixels.size(1)), W = static_cast<int>(pixels.size(2));
  const Image image = read_image(file);
  if (C == 1) {
    const auto grey =
        resize(luminance(image), image.width, image.height, 1, W, H, Resample::kBilinear);
    std::copy(grey.begin(), grey.end(), pixels.data_ptr<uint8_t>());
    return;
  }
  pixels.copy_(planes_of(resize(image, W, H, Resample::kBilinear)));
}

}  // namespace

std::vector<std::string> class_folder_names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& path : sorted_entries(folder))
    if (fs::is_directory(path)) names.push_back(path.filename().string());
  for (const auto& name : names) {
    if (utf8::find_invalid(name) != std::string_view::npos) {
      throw std::runtime_error(fmt::format(
          "{}: a class folder's name is not valid UTF-8 ('{}'); rename it", folder.string(), name));
    }
  }
  return names;
}

LabelledImages read_class_folders(const fs::path& folder, const std::vector<std::string>& classes,
                                  const ImageShape& shape, int64_t threads) {
  if (classes.empty()) {
    throw std::runtime_error(fmt::format(
        "{}: no class folders; put the pictures of each class into a folder of its name",
        folder.string()));
  }
  const Files files = files_of(folder, classes);
  const int64_t N = std::ssize(files.paths);
  if (N > kMostBytes / (shape.channels * shape.height * shape.width)) {
    throw std::runtime_error(
        fmt::format("{}: {} pictures do not fit into 8 GB; use a smaller "
                    "--image-size",
                    folder.string(), N));
  }
  auto pixels = torch::empty({N, shape.channels, shape.height, shape.width}, torch::kByte);
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    for (int64_t i = next++; i < N; i = next++) {
      try {
        stop_if_interrupted("reading the pictures");
        read_into(pixels[i], files.paths[static_cast<size_t>(i)]);
      } catch (...) {
        next = N;  // the others need not go on
        throw;
      }
    }
  };
  std::vector<std::future<void>> workers;
  for (int64_t t = 1; t < threads; ++t) workers.push_back(std::async(std::launch::async, work));
  work();
  for (auto& worker : workers) worker.get();
  return {pixels, torch::tensor(files.labels, torch::kLong)};
}

}  // namespace zoo
