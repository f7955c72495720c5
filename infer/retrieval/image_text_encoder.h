// Images and texts in one embedding space, by a CLIP: similar ones are close. Radford et al. 2021
// (arXiv:2103.00020), §3.1.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "infer/text_model.h"
#include "infer/vision/picture_pixels.h"
#include "models/clip/clip.h"

namespace zoo {

class ImageTextEncoder {
 public:
  /// Throws std::runtime_error with one line: no CLIP, no tokenizer, no image processor file, parts
  /// that do not match.
  explicit ImageTextEncoder(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
                            const std::string& attention = {});

  /// An image of any size -> [1, E] of length one
  torch::Tensor encode_image(const Image& image);
  /// N texts -> [N, E], rows of length one. With sentences, where {} stands for the text, the mean
  /// of their embeddings (§3.1.4). Longer texts are truncated to the context.
  torch::Tensor encode_texts(const std::vector<std::string>& texts,
                             const std::vector<std::string>& sentences = {"{}"});
  /// images [N, E], texts [M, E] -> [N, M]: for each image, the probability of each text
  torch::Tensor probabilities(const torch::Tensor& images, const torch::Tensor& texts) const;

 private:
  torch::Device device_;
  TextModel<Clip> clip_;
  std::optional<PicturePixels> pixels_;
  int64_t end_ = 0;
};

/// All PNG and JPEG files below a folder, in the order of their paths, without hidden ones. Throws
/// std::runtime_error if it is not a folder or holds no images.
std::vector<std::filesystem::path> pictures_below(const std::filesystem::path& folder);

}  // namespace zoo
