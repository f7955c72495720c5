// CIFAR-10 and CIFAR-100 in their binary form (Krizhevsky 2009): records of labels and three planes
// of 32 x 32 bytes.
#pragma once
#include <filesystem>

#include "train/data/images/labelled_images.h"

namespace zoo {

bool has_cifar(const std::filesystem::path& folder);
/// data_batch_1.bin to data_batch_5.bin and test_batch.bin (10 classes), or train.bin and test.bin
/// (100 classes, the fine ones). Throws std::runtime_error, beginning with the path: a file size
/// that is not a multiple of the record's, labels out of range, too few or too many names.
ImageDataSet read_cifar(const std::filesystem::path& folder);

}  // namespace zoo
