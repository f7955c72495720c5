// Pictures and texts in one space, by a CLIP: what is alike lies close. Radford et al. 2021
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
  /// Throws std::runtime_error with one line: no CLIP, no tokenizer, no file about pictures,
  /// parts that do not fit each other.
  explicit ImageTextEncoder(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
                            const std::string& attention = {});

  /// A picture of any size -> [1, E] of length one
  torch::Tensor encode_image(const Image& image);
  /// N texts -> [N, E], rows of length one. With sentences, where {} stands for the text, the mean
  /// of their embeddings (§3.1.4). Longer texts are cut at the context.
  torch::Tensor encode_texts(const std::vector<std::string>& texts,
                             const std::vector<std::string>& sentences = {"{}"});
  /// images [N, E], texts [M, E] -> [N, M]: how probable each text is among all for a picture
  torch::Tensor probabilities(const torch::Tensor& images, const torch::Tensor& texts) const;

 private:
  torch::Device device_;
  TextModel<Clip> clip_;
  std::optional<PicturePixels> pixels_;
  int64_t end_ = 0;
};

/// All PNG and JPEG files in a folder and its folders, in the order of their paths; hidden ones are
/// left out. Throws std::runtime_error for no folder, or one without pictures.
std::vector<std::filesystem::path> pictures_below(const std::filesystem::path& folder);

}  // namespace zoo
