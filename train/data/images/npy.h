// NumPy's files: .npy, one array after a header that is a Python dictionary, and .npz, a ZIP of
// such files, stored or deflated.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "train/data/images/labelled_images.h"

namespace zoo {

/// Parses an .npy file: little-endian bool, integers and floats, in C or Fortran order. Throws
/// std::runtime_error, beginning with `name`; nothing is unpickled.
torch::Tensor parse_npy(std::string_view bytes, const std::string& name);

/// Name -> content of the members of a ZIP file. Throws std::runtime_error, beginning with `name`:
/// truncated, damaged, encrypted, or a compression method other than deflate.
std::map<std::string, std::string> unzip(std::string_view bytes, const std::string& name);

bool has_numpy(const std::filesystem::path& path);
/// An .npz file, or a folder of .npy files: arrays x_train and y_train, and x_test and y_test for
/// evaluation; or only x and y. x: [N, H, W], [N, H, W, channels] or [N, channels, H, W], bytes or
/// floats in [0, 1]; y: [N] or [N, 1], integers.
ImageDataSet read_numpy(const std::filesystem::path& path);

}  // namespace zoo
