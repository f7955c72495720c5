// Which classifier of images, and its options: those of all kinds under one set of flags.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/named_enum.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/image_classifier.h"
#include "models/vision/linear_classifier.h"
#include "models/vision/vit.h"
#include "train/program/command_line.h"

namespace zoo {

enum class ImageModelKind { kVit, kCct, kCnn, kLinear };
template <>
struct EnumNames<ImageModelKind> {
  static constexpr std::string_view what = "model";
  static constexpr std::pair<ImageModelKind, std::string_view> values[] = {
      {ImageModelKind::kVit, "vit"},
      {ImageModelKind::kCct, "cct"},
      {ImageModelKind::kCnn, "cnn"},
      {ImageModelKind::kLinear, "linear"}};
};

/// A ViT's options, of which the others have some, and what only those have.
struct ImageModelOptions {
  ImageModelKind kind = ImageModelKind::kVit;
  VitOptions vit;
  int64_t convolutions = CctOptions().convolutions;
  int64_t kernel = CctOptions().kernel;
  int64_t blocks = CnnOptions().blocks;
  int64_t width = CnnOptions().width;
};

template <class Visitor>
void visit(ImageModelOptions& o, Visitor&& v) {
  v("model", o.kind, "What the classifier is made of");
  visit(o.vit, v);
  v("convolutions", o.convolutions, "cct: convolutions of the tokenizer, each with a pooling");
  v("kernel", o.kernel, "cct: their size, odd");
  v("blocks", o.blocks, "cnn: blocks of each of the three stages");
  v("width", o.width, "cnn: channels of the first stage");
}

/// A published size of any kind; throws std::invalid_argument with the known names.
ImageModelOptions image_model_preset(std::string_view name);

/// Where no preset and no flag says otherwise, a kind has its own usual values; throws UsageError
/// for options that it has not.
void settle_kind(ImageModelOptions& options, const TrainCommand& command);

/// Throws std::invalid_argument for values that no model can have.
void check(const ImageModelOptions& options);

std::shared_ptr<ImageClassifier> make_image_model(const ImageModelOptions& options,
                                                  int64_t classes);

/// The options that `model` was made with.
ImageModelOptions options_of(const ImageClassifier& model);

}  // namespace zoo
