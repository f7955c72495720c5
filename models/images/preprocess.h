// From a picture to the numbers that a model reads: preprocessor_config.json and
// processor_config.json of `transformers`, as its processors for ViT, DeiT and CLIP read them
// (those that use PIL).
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
  int height = 224, width = 224;
  // Or, instead of both sides, where one of these is not 0:
  int shortest_edge = 0;              ///< the shorter side, the other in proportion
  int longest_edge = 0;               ///< with shortest_edge: the other at most
  int max_height = 0, max_width = 0;  ///< as large as fits, in proportion
  Resample resample = Resample::kBilinear;
  bool center_crop = false;  ///< what is missing around a smaller picture is black
  int crop_height = 0, crop_width = 0;
  bool rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool normalize = true;
  std::vector<double> mean = {0.5, 0.5, 0.5};  ///< of each channel; one: a grey picture
  std::vector<double> std = {0.5, 0.5, 0.5};
  int pad_height = 0, pad_width = 0;  ///< zeros below and to the right, up to these sides
  bool operator==(const ImagePreprocessing&) const = default;
};

ImagePreprocessing default_preprocessing(ImageProcessor processor);

/// The file of a folder that says how its pictures are prepared: processor_config.json where that
/// has an image_processor, else preprocessor_config.json; nothing where there is neither.
std::optional<std::filesystem::path> preprocessing_file(const std::filesystem::path& folder);
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
/// std::invalid_argument where mean and std are for another number of channels, std::runtime_error
/// for a picture that cannot be resized or padded so.
PixelValues preprocess(const Image& image, const ImagePreprocessing& options, int channels = 3);

/// The picture as it is after resizing and cropping: what the model sees, for people.
Image resized_and_cropped(const Image& image, const ImagePreprocessing& options);

}  // namespace zoo
