// From a picture to a model's input: preprocessor_config.json and processor_config.json of
// `transformers`, as its PIL-based processors for ViT, DeiT, CLIP, BiT (which DINOv2 has) and
// SigLIP apply them.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.h"
#include "base/named_enum.h"
#include "models/images/resize.h"

namespace zoo {

/// The processor whose defaults apply to missing keys.
enum class ImageProcessor { kVit, kDeit, kClip, kBit, kSiglip };
template <>
struct EnumNames<ImageProcessor> {
  static constexpr std::string_view what = "image processor";
  static constexpr std::pair<ImageProcessor, std::string_view> values[] = {
      {ImageProcessor::kVit, "ViTImageProcessor"},
      {ImageProcessor::kDeit, "DeiTImageProcessor"},
      {ImageProcessor::kClip, "CLIPImageProcessor"},
      {ImageProcessor::kBit, "BitImageProcessor"},
      {ImageProcessor::kSiglip, "SiglipImageProcessor"}};
};

/// The steps in their order, each of which is optional. The defaults are ViT's.
struct ImagePreprocessing {
  ImageProcessor processor = ImageProcessor::kVit;
  bool resize = true;
  int height = 224, width = 224;
  // Or, instead of both sides, if one of these is not 0:
  int shortest_edge = 0;              ///< of the shorter side; keeps the aspect ratio
  int longest_edge = 0;               ///< with shortest_edge: limit of the other side
  int max_height = 0, max_width = 0;  ///< as large as fits; keeps the aspect ratio
  Resample resample = Resample::kBilinear;
  bool center_crop = false;  ///< a smaller picture gets a black border
  int crop_height = 0, crop_width = 0;
  bool rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool normalize = true;
  std::vector<double> mean = {0.5, 0.5, 0.5};  ///< of each channel; one value: a grey picture
  std::vector<double> std = {0.5, 0.5, 0.5};
  int pad_height = 0, pad_width = 0;  ///< zeros below and to the right, up to this size
  bool operator==(const ImagePreprocessing&) const = default;
};

ImagePreprocessing default_preprocessing(ImageProcessor processor);

/// The file with a folder's image processor: processor_config.json if it has an image_processor,
/// else preprocessor_config.json; nullopt if there is neither.
std::optional<std::filesystem::path> preprocessing_file(const std::filesystem::path& folder);
/// Throws std::runtime_error, which begins with the path, for a missing file, an unsupported step,
/// and values out of range.
ImagePreprocessing read_preprocessing(const std::filesystem::path& folder);
/// Writes preprocessor_config.json.
void write_preprocessing(const ImagePreprocessing& options, const std::filesystem::path& folder);

/// A model's input for one picture: channel after channel, rows from the top.
struct PixelValues {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<float> values;  // [channels, height, width]
};

/// channels: 3, or 1 for a model of grey pictures, which gets the brightness. Throws
/// std::invalid_argument if mean and std have another number of channels, std::runtime_error for a
/// picture that cannot be resized or padded as required.
PixelValues preprocess(const Image& image, const ImagePreprocessing& options, int channels = 3);

/// The picture after resizing and cropping, for display.
Image resized_and_cropped(const Image& image, const ImagePreprocessing& options);

}  // namespace zoo
