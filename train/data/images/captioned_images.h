// Pictures with what is said of them: the pairs that a dual encoder learns from.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zoo {

struct CaptionedImages {
  torch::Tensor pixels = {};                            // uint8 [N, 3, H, W]
  std::vector<std::vector<std::string>> captions = {};  ///< of each picture, one at least
  /// Which thing a picture shows; a thing may have many pictures. Numbers of `concepts`.
  std::vector<int64_t> concept_of = {};
  std::vector<std::string> concepts = {};  ///< their names

  int64_t size() const { return std::ssize(captions); }
};

/// Every text of a set of captions once, and which texts are true of which picture.
struct CaptionTable {
  std::vector<std::string> texts;  ///< M, in the order of their first picture
  torch::Tensor matches;           ///< bool [N, M]
};
CaptionTable caption_table(std::span<const std::vector<std::string>> captions);

}  // namespace zoo
