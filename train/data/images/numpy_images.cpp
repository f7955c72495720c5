// Arrays of NumPy as pictures and labels.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "base/files.h"
#include "train/data/images/npy.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using Arrays = std::map<std::string, torch::Tensor>;  // without .npy

Arrays read_arrays(const fs::path& path) {
  Arrays arrays;
  if (fs::is_directory(path)) {
    for (const char* name : {"x", "y", "x_train", "y_train", "x_test", "y_test"}) {
      const fs::path file = path / fmt::format("{}.npy", name);
      if (fs::exists(file)) arrays[name] = parse_npy(read_file(file), file.string());
    }
    return arrays;
  }
  for (const auto& [name, content] : unzip(read_file(path), path.string())) {
    if (name.starts_with("x") || name.starts_with("y"))  // others may be anything
      arrays[fs::path(name).stem().string()] =
          parse_npy(content, fmt::format("{}: {}", path.string(), name));
  }
  return arrays;
}

/// [N, H, W], [N, H, W, channels] or [N, channels, H, W] -> [N, channels, H, W] uint8
torch::Tensor to_pixels(torch::Tensor x, const std::string& where) {
  const auto is_channels = [](int64_t size) { return size == 1 || size == 3; };
  if (x.dim() == 3) x = x.unsqueeze(1);
  if (x.dim() == 4 && !is_channels(x.size(1)) && is_channels(x.size(3)))
    x = x.permute({0, 3, 1, 2});
  if (x.dim() != 4 || !is_channels(x.size(1)) || x.numel() == 0) {
    throw std::runtime_error(fmt::format(
        "{}: pictures must be [N, H, W], [N, H, W, channels] or [N, channels, H, W] with 1 or 3 "
        "channels, got [{}]",
        where, fmt::join(x.sizes(), ", ")));
  }
  if (x.scalar_type() == torch::kByte) return x.contiguous();
  if (!x.is_floating_point())
    throw std::runtime_error(where + ": pictures must be bytes, or floats in [0, 1]");
  x = x.to(torch::kDouble);
  if (!x.isfinite().all().item<bool>() || x.min().item<double>() < 0.0 ||
      x.max().item<double>() > 1.0)
    throw std::runtime_error(where + ": floats must be in [0, 1]; divide by the largest value");
  return (x * 255.0).round().to(torch::kByte).contiguous();
}

torch::Tensor to_labels(torch::Tensor y, const std::string& where) {
  if (y.dim() == 2 && y.size(1) == 1) y = y.squeeze(1);
  if (y.dim() != 1 || y.is_floating_point() || y.scalar_type() == torch::kBool) {
    throw std::runtime_error(
        fmt::format("{}: labels must be [N] or [N, 1] whole numbers, got [{}] of type {}", where,
                    fmt::join(y.sizes(), ", "), c10::toString(y.scalar_type())));
  }
  return y.to(torch::kLong);
}

LabelledImages take(const Arrays& arrays, const std::string& ending, const fs::path& path) {
  const auto array = [&](const std::string& name) {
    const auto found = arrays.find(name + ending);
    if (found != arrays.end()) return found->second;
    throw std::runtime_error(
        fmt::format("{}: no array {}; expected x_train and y_train (x_test, "
                    "y_test), or x and y",
                    path.string(), name + ending));
  };
  const auto where = [&](const char* name) {
    return fmt::format("{}: {}{}", path.string(), name, ending);
  };
  LabelledImages images{to_pixels(array("x"), where("x")), to_labels(array("y"), where("y"))};
  check_images(images, 100'000, where("y"));
  return images;
}

}  // namespace

bool has_numpy(const fs::path& path) {
  if (fs::is_regular_file(path)) return path.extension() == ".npz";
  return fs::exists(path / "x.npy") || fs::exists(path / "x_train.npy");
}

ImageDataSet read_numpy(const fs::path& path) {
  const Arrays arrays = read_arrays(path);
  ImageDataSet data;
  data.training = take(arrays, arrays.contains("x") ? "" : "_train", path);
  if (arrays.contains("x_test")) data.validation = take(arrays, "_test", path);
  data.class_names = numbered_classes(data);
  return data;
}

}  // namespace zoo
