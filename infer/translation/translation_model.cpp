#include "infer/translation/translation_model.h"

#include <stdexcept>
#include <utility>

#include "infer/translation/recurrent_decoder.h"
#include "infer/translation/transformer_decoder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

const ModelRegistry& translation_families() {
  static const ModelRegistry registry = [] {
    ModelRegistry families;
    register_transformer(families);
    register_recurrent(families);
    return families;
  }();
  return registry;
}

using MakeDecoder = std::unique_ptr<SourceDecoder> (*)(const std::shared_ptr<EncoderDecoder>&);

/// Null for a module of another kind.
template <class Model, class Decoder>
std::unique_ptr<SourceDecoder> decoder_of(const std::shared_ptr<EncoderDecoder>& module) {
  auto own = std::dynamic_pointer_cast<typename Model::ContainedType>(module);
  if (own == nullptr) return nullptr;
  return std::make_unique<Decoder>(Model(std::move(own)));
}

// One row a kind.
constexpr MakeDecoder kDecoders[] = {decoder_of<Transformer, TransformerDecoder>,
                                     decoder_of<Recurrent, RecurrentDecoder>};

}  // namespace

TranslationModel::TranslationModel(std::shared_ptr<EncoderDecoder> module)
    : module_(std::move(module)), family_(translation_families().of_module(*module_)) {}

std::unique_ptr<SourceDecoder> TranslationModel::make_decoder() const {
  for (const auto make : kDecoders)
    if (auto decoder = make(module_)) return decoder;
  throw std::invalid_argument("TranslationModel: this kind of model has no decoder");
}

void TranslationModel::save(const fs::path& folder, const SpecialIds& ids) const {
  family_.save(*module_, folder, {.ids = ids});
}

void TranslationModel::load_weights(const fs::path& folder) {
  family_.load_weights(*module_, folder);
}

std::unique_ptr<TranslationModel> translation_model(Transformer model) {
  return std::make_unique<TranslationModel>(model.ptr());
}

std::unique_ptr<TranslationModel> translation_model(Recurrent model) {
  return std::make_unique<TranslationModel>(model.ptr());
}

bool is_recurrent(const fs::path& folder) {
  std::string type;
  read_config(folder, [&](const nlohmann::json& config) {
    type = config_value<std::string>(config, "model_type", "");
  });
  return type == name_of(RecurrentLayout::kZoo);
}

LoadedTranslationModel load_translation_model(const fs::path& folder, torch::Device device,
                                              const std::string& attention) {
  bool ours = false;
  read_config(folder, [&](const nlohmann::json& config) { ours = config.contains("zoo"); });
  const auto loaded = translation_families().of_type(folder).load(
      folder, {.device = device, .attention = attention});
  auto module = std::dynamic_pointer_cast<EncoderDecoder>(loaded.module);
  return {.model = std::make_unique<TranslationModel>(std::move(module)),
          .source = load_tokenizer(folder),
          .target = load_tokenizer(folder, {.target = has_two_sides(folder)}),
          .ours = ours};
}

}  // namespace zoo
