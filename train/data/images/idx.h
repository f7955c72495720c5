// The IDX files of the MNIST family (LeCun et al. 1998): a magic number, sizes, bytes.
#pragma once
#include <torch/types.h>

#include <filesystem>

#include "train/data/images/labelled_images.h"

namespace zoo {

/// The bytes of one file as [sizes...] uint8. Throws std::runtime_error, beginning with the path: a
/// wrong magic number, a type other than bytes, a length that does not match the sizes.
torch::Tensor read_idx(const std::filesystem::path& file);

/// Whether the folder has the first of the four files.
bool has_idx(const std::filesystem::path& folder);
/// train-images-idx3-ubyte, train-labels-idx1-ubyte, and t10k-... for evaluation, if present.
ImageDataSet read_idx_folder(const std::filesystem::path& folder);

}  // namespace zoo
