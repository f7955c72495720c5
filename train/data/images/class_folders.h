// A folder of class folders of PNG and JPEG files: data/cat/1.png, data/dog/2.jpg.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "train/data/images/labelled_images.h"

namespace zoo {

/// Every image is converted to this size and number of channels.
struct ImageShape {
  int64_t channels = 1, height = 28, width = 28;
};

/// The names of the subfolders of `folder`, sorted, without hidden ones.
std::vector<std::string> class_folder_names(const std::filesystem::path& folder);

/// Classes, and the files of each class, in the order of their names, whatever the number of
/// threads. Skips hidden files. Throws std::runtime_error, naming the file or folder: no class
/// folders, one without images, a file that is not a readable image.
LabelledImages read_class_folders(const std::filesystem::path& folder,
                                  const std::vector<std::string>& classes, const ImageShape& shape,
                                  int64_t threads);

}  // namespace zoo
