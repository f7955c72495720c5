// From a picture to the numbers that a model reads: preprocessor_config.json of `transformers`, as
// its processors for ViT, DeiT and CLIP read it (those that use PIL).
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "app/named_enum.h"
#include "app/png.h"
#include "models/images/resize.h"

namespace zoo {

/// Whose defaults hold where the file says nothing.
enum class ImageProcessor { kVit, kDeit, kClip };
template <>
struct EnumNames<ImageProcessor> {
  static constexpr std::string_view what = "image processor";
  static constexpr std::pair<ImageProcessor, std::string_view> values[] = {
      {ImageProcessor::kVit, "ViTImageProcessor"},
      {ImageProcessor::kDeit, "DeiTImageProcessor"},
      {ImageProcessor::kClip, "CLIPImageProcessor"}};
};

/// The steps in their order, each of which may be left out. Starts with ViT's defaults.
struct ImagePreprocessing {
  ImageProcessor processor = ImageProcessor::kVit;
  bool resize = true;
  int shortest_edge = 0;  ///< the shorter side, the other in proportion; 0: height and width
  int height = 224, width = 224;
  Resample resample = Resample::kBilinear;
  bool center_crop = false;  ///< what is missing around a smaller picture is black
  int crop_height = 224, crop_width = 224;
  bool rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool normalize = true;
  std::vector<double> mean = {0.5, 0.5, 0.5};  ///< of each channel; one: a grey picture
  std::vector<double> std = {0.5, 0.5, 0.5};
  bool operator==(const ImagePreprocessing&) const = default;
};

ImagePreprocessing default_preprocessing(ImageProcessor processor);

/// Throws std::runtime_error, beginning with the path: no such file, a step that the zoo lacks,
/// values out of range.
ImagePreprocessing read_preprocessing(const std::filesystem::path& folder);
/// Writes preprocessor_config.json.
void write_preprocessing(const ImagePreprocessing& options, const std::filesystem::path& folder);

/// What a model reads of one picture: rows from the top, channel after channel.
struct PixelValues {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<float> values;  // [channels, height, width]
};

/// channels: 3, or 1 for a model of grey pictures, which sees the brightness. Throws
/// std::invalid_argument where mean and std are for another number of channels.
PixelValues preprocess(const Image& image, const ImagePreprocessing& options, int channels = 3);

/// The picture as it is after resizing and cropping: what the model sees, for people.
Image resized_and_cropped(const Image& image, const ImagePreprocessing& options);

}  // namespace zoo
