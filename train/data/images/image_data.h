// Reads all image data sets: what lies at a path decides how it is read.
#pragma once
#include <filesystem>
#include <string>

#include "train/data/images/class_folders.h"
#include "train/data/images/labelled_images.h"

namespace zoo {

/// What lies at `path`: "IDX files", "CIFAR files", "NumPy arrays" or "class folders". Throws
/// std::runtime_error where there is nothing.
std::string image_data_kind(const std::filesystem::path& path);

/// Pictures of this shape. Class folders may lie in `train`, and in `test`, `val` or `valid` to
/// measure with. Throws std::runtime_error with one line.
ImageDataSet read_image_data(const std::filesystem::path& path, const ImageShape& shape,
                             int64_t threads);

}  // namespace zoo
