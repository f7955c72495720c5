#include "infer/inspect/model_cost.h"

#include <fmt/format.h>

#include "models/forward_flops.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/pretrained/vision/vit_checkpoint.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// Whether model_type is one of an enum's names.
template <class Enum>
bool names_one(std::string_view model_type) {
  for (const auto& [value, name] : EnumNames<Enum>::values)
    if (name == model_type) return true;
  return false;
}

std::string picture(const VitOptions& o) {
  return fmt::format("a picture of {} x {} pixels", o.image_size,
                     o.image_width == 0 ? o.image_size : o.image_width);
}

ModelCost bert_cost(const fs::path& folder, int64_t length) {
  const BertOptions o = load_bert(folder)->options.bert;
  if (length == 0) length = o.context;
  return {fmt::format("a sequence of {} tokens through the encoder", length),
          forward_flops(o, length)};
}

template <class Options>
ModelCost pair_cost(const Options& o, int64_t length) {
  if (length == 0) length = o.context;
  return {fmt::format("a source and a target of {} tokens", length), forward_flops(o, length)};
}

ModelCost clip_cost(const fs::path& folder, int64_t length) {
  const ClipOptions o = load_clip(folder)->options;
  if (length == 0) length = o.text.context;
  const std::string text = fmt::format("a text of {} tokens", length);
  std::string input = o.towers == ClipTowers::kText ? text : picture(o.image);
  if (o.towers == ClipTowers::kBoth) input += " and " + text;
  return {input, forward_flops(o, length)};
}

ModelCost image_cost(const fs::path& folder) {
  switch (read_image_model_type(folder)) {
    case ImageModelType::kVit:
    case ImageModelType::kDeit:
    case ImageModelType::kZooVit: {
      const VitOptions o = load_vit(folder)->options;
      return {picture(o), forward_flops(o)};
    }
    default:
      break;
  }
  const auto model = load_image_classifier(folder).model;
  const std::string input =
      fmt::format("a picture of {} x {} pixels", model->image_height(), model->image_width());
  if (const auto* cnn = dynamic_cast<const CnnImpl*>(model.get()))
    return {input, forward_flops(cnn->options)};
  if (const auto* cct = dynamic_cast<const CctImpl*>(model.get()))
    return {input, forward_flops(cct->options)};
  return {input, forward_flops(dynamic_cast<const LinearClassifierImpl&>(*model).options)};
}

}  // namespace

std::optional<ModelCost> model_cost(const fs::path& folder, std::string_view model_type,
                                    int64_t length) {
  if (names_one<BertFamily>(model_type) || model_type == kZooBert) return bert_cost(folder, length);
  if (names_one<TransformerLayout>(model_type))
    return pair_cost(load_transformer(folder, {.head_optional = true})->options, length);
  if (model_type == "zoo_recurrent") return pair_cost(load_recurrent(folder)->options, length);
  if (names_one<ClipLayout>(model_type)) return clip_cost(folder, length);
  if (names_one<ImageModelType>(model_type)) return image_cost(folder);
  return std::nullopt;
}

}  // namespace zoo
