// Reads any image data set; the contents of the path determine the format.
#pragma once
#include <filesystem>
#include <string>

#include "train/data/images/class_folders.h"
#include "train/data/images/labelled_images.h"

namespace zoo {

/// The format at `path`: "IDX files", "CIFAR files", "NumPy arrays" or "class folders". Throws
/// std::runtime_error if there is none.
std::string image_data_kind(const std::filesystem::path& path);

/// Images of this shape. Class folders may be in `train`, and in `test`, `val` or `valid` for
/// evaluation. Throws std::runtime_error with one line.
ImageDataSet read_image_data(const std::filesystem::path& path, const ImageShape& shape,
                             int64_t threads);

}  // namespace zoo
