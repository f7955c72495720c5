#include "train/data/images/image_data.h"

#include <fmt/format.h>

#include <stdexcept>

#include "train/data/images/cifar.h"
#include "train/data/images/idx.h"
#include "train/data/images/npy.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

ImageDataSet read_folders(const fs::path& path, const ImageShape& shape, int64_t threads) {
  ImageDataSet data;
  const bool has_parts = fs::is_directory(path / "train");
  const fs::path training = has_parts ? path / "train" : path;
  data.class_names = class_folder_names(training);
  data.training = read_class_folders(training, data.class_names, shape, threads);
  for (const char* part : {"val", "valid", "test"}) {
    if (!has_parts || !fs::is_directory(path / part)) continue;
    for (const auto& name : class_folder_names(path / part)) {
      if (!fs::is_directory(training / name))
        throw std::runtime_error(fmt::format("{}: no pictures to train on in {}",
                                             (path / part / name).string(),
                                             (training / name).string()));
    }
    data.validation = read_class_folders(path / part, data.class_names, shape, threads);
    break;
  }
  return data;
}

}  // namespace

std::string image_data_kind(const fs::path& path) {
  if (!fs::exists(path)) {
    throw std::runtime_error(fmt::format(
        "no data at '{}'; name a folder or an .npz file with --data, or run scripts/get_data.sh",
        path.string()));
  }
  if (has_numpy(path)) return "NumPy arrays";
  if (!fs::is_directory(path)) {
    throw std::runtime_error(
        fmt::format("{}: neither an .npz file nor a folder of pictures", path.string()));
  }
  if (has_idx(path)) return "IDX files";
  if (has_cifar(path)) return "CIFAR files";
  return "class folders";
}

ImageDataSet read_image_data(const fs::path& path, const ImageShape& shape, int64_t threads) {
  const std::string kind = image_data_kind(path);
  if (kind == "class folders") return read_folders(path, shape, threads);
  ImageDataSet data = kind == "IDX files"     ? read_idx_folder(path)
                      : kind == "CIFAR files" ? read_cifar(path)
                                              : read_numpy(path);
  data.training = fit_images(data.training, shape.channels, shape.height, shape.width);
  data.validation = fit_images(data.validation, shape.channels, shape.height, shape.width);
  return data;
}

}  // namespace zoo
