// An encoder-decoder of either kind, Transformer or recurrent, with all that depends on the kind:
// training, translating and the folder on disk see one type.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "infer/translation/source_decoder.h"
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/format/special_ids.h"
#include "models/transformer/encoder_decoder.h"
#include "models/transformer/recurrent.h"
#include "models/transformer/transformer.h"

namespace zoo {

class TranslationModel {
 public:
  virtual ~TranslationModel() = default;
  virtual EncoderDecoder& module() const = 0;
  /// The module must be in evaluation mode.
  virtual std::unique_ptr<SourceDecoder> make_decoder() const = 0;
  virtual void save(const std::filesystem::path& folder, const SpecialIds& ids) const = 0;
  virtual void load_weights(const std::filesystem::path& folder) = 0;
  /// The names of its parameters on disk.
  virtual NameMap name_map() const = 0;
  /// Why Python will not open its folder; empty where it will.
  virtual std::string layout_note() const = 0;
};

std::unique_ptr<TranslationModel> translation_model(Transformer model);
std::unique_ptr<TranslationModel> translation_model(Recurrent model);

/// Whether a folder holds the recurrent kind, by its config.json.
bool is_recurrent(const std::filesystem::path& folder);

struct LoadedTranslationModel {
  std::unique_ptr<TranslationModel> model;  ///< in evaluation mode
  bool ours = false;                        ///< the folder is a run of ours
};
/// Either kind, as config.json says. `attention`: kernel; empty: the one it was trained with.
LoadedTranslationModel load_translation_model(const std::filesystem::path& folder,
                                              torch::Device device, const std::string& attention);

}  // namespace zoo
