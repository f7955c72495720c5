#include "infer/translation/translation_model.h"

#include <utility>

#include "infer/translation/recurrent_decoder.h"
#include "infer/translation/transformer_decoder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

class TransformerTranslation final : public TranslationModel {
 public:
  explicit TransformerTranslation(Transformer model) : model_(std::move(model)) {}
  EncoderDecoder& module() const override { return *model_.ptr(); }
  std::unique_ptr<SourceDecoder> make_decoder() const override {
    return std::make_unique<TransformerDecoder>(model_);
  }
  void save(const fs::path& folder, const SpecialIds& ids) const override {
    save_transformer(model_, folder, ids);
  }
  void load_weights(const fs::path& folder) override { load_transformer_weights(model_, folder); }
  NameMap name_map() const override {
    return transformer_name_map(layout_of(model_->options), model_->options);
  }
  std::string layout_note() const override { return zoo::layout_note(model_->options); }

 private:
  Transformer model_;
};

class RecurrentTranslation final : public TranslationModel {
 public:
  explicit RecurrentTranslation(Recurrent model) : model_(std::move(model)) {}
  EncoderDecoder& module() const override { return *model_.ptr(); }
  std::unique_ptr<SourceDecoder> make_decoder() const override {
    return std::make_unique<RecurrentDecoder>(model_);
  }
  void save(const fs::path& folder, const SpecialIds& ids) const override {
    save_recurrent(model_, folder, ids);
  }
  void load_weights(const fs::path& folder) override { load_recurrent_weights(model_, folder); }
  NameMap name_map() const override { return recurrent_name_map(); }
  std::string layout_note() const override {
    return "checkpoints are written as model_type zoo_recurrent: Python's transformers has no such "
           "model";
  }

 private:
  Recurrent model_;
};

}  // namespace

std::unique_ptr<TranslationModel> translation_model(Transformer model) {
  return std::make_unique<TransformerTranslation>(std::move(model));
}

std::unique_ptr<TranslationModel> translation_model(Recurrent model) {
  return std::make_unique<RecurrentTranslation>(std::move(model));
}

bool is_recurrent(const fs::path& folder) {
  std::string type;
  read_config(folder, [&](const nlohmann::json& config) {
    type = config_value<std::string>(config, "model_type", "");
  });
  return type == "zoo_recurrent";
}

LoadedTranslationModel load_translation_model(const fs::path& folder, torch::Device device,
                                              const std::string& attention) {
  bool ours = false;
  read_config(folder, [&](const nlohmann::json& config) { ours = config.contains("zoo"); });
  if (is_recurrent(folder)) return {translation_model(load_recurrent(folder, device)), ours};
  return {translation_model(load_transformer(folder, {.device = device, .attention = attention})),
          ours};
}

}  // namespace zoo
