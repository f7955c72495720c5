// Images with captions: the pairs that train a dual encoder.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "models/images/preprocess.h"

namespace zoo {

struct CaptionedImages {
  torch::Tensor pixels = {};                            // uint8 [N, 3, H, W]
  std::vector<std::vector<std::string>> captions = {};  ///< of each picture, one at least
  /// The concept that each image shows, as an index of `concepts`; a concept may have many images.
  std::vector<int64_t> concept_of = {};
  std::vector<std::string> concepts = {};  ///< their names

  int64_t size() const { return std::ssize(captions); }
};

/// A line of a caption file.
struct CaptionedPath {
  std::filesystem::path picture;
  std::vector<std::string> captions;  ///< the first is the name of the thing that is shown
};

/// A file of lines "picture<TAB>caption<TAB>caption...", the picture's path relative to the file's
/// folder. Throws std::runtime_error that names file and line: no caption, or an empty one.
std::vector<CaptionedPath> read_caption_file(const std::filesystem::path& file);

/// The same with the images, resized and cropped by `preprocessing`. Also throws for an image that
/// cannot be read.
CaptionedImages read_captioned_images(const std::filesystem::path& file,
                                      const ImagePreprocessing& preprocessing);

/// The distinct texts of a set of captions, and which of them describe which image.
struct CaptionTable {
  std::vector<std::string> texts;  ///< M, in the order of their first picture
  torch::Tensor matches;           ///< bool [N, M]
};
CaptionTable caption_table(std::span<const std::vector<std::string>> captions);

}  // namespace zoo
