// An encoder-decoder of either kind, Transformer or recurrent, behind one type for training,
// translation and the folder on disk.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "infer/translation/source_decoder.h"
#include "models/pretrained/registry/model_family.h"
#include "models/transformer/encoder_decoder.h"
#include "models/transformer/recurrent.h"
#include "models/transformer/transformer.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

class TranslationModel {
 public:
  /// Throws std::invalid_argument for a kind that has no decoder.
  explicit TranslationModel(std::shared_ptr<EncoderDecoder> module);
  EncoderDecoder& module() const { return *module_; }
  /// The module must be in evaluation mode.
  std::unique_ptr<SourceDecoder> make_decoder() const;
  void save(const std::filesystem::path& folder, const SpecialIds& ids) const;
  void load_weights(const std::filesystem::path& folder);
  /// The names of its parameters on disk.
  NameMap name_map() const { return family_.name_map(*module_); }
  /// Why Python cannot open its folder; empty if it can.
  std::string layout_note() const { return family_.layout_note(*module_); }

 private:
  std::shared_ptr<EncoderDecoder> module_;
  const ModelFamily& family_;
};

std::unique_ptr<TranslationModel> translation_model(Transformer model);
std::unique_ptr<TranslationModel> translation_model(Recurrent model);

/// Whether a folder holds the recurrent kind, by its config.json.
bool is_recurrent(const std::filesystem::path& folder);

/// A translation model and the tokenizers of its folder, one per side.
struct LoadedTranslationModel {
  std::unique_ptr<TranslationModel> model;  ///< in evaluation mode
  std::unique_ptr<Tokenizer> source, target;
  bool ours = false;  ///< the folder is a run of ours
};
/// Loads either kind, by config.json. `attention`: kernel; empty: the one it was trained with.
LoadedTranslationModel load_translation_model(const std::filesystem::path& folder,
                                              torch::Device device, const std::string& attention);

}  // namespace zoo
