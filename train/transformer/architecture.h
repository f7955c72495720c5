// The encoder-decoders of train_transformer: a table with a row for each value of --architecture.
// All are described by the Transformer's options; some support only part of them.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "infer/translation/translation_model.h"
#include "models/cost/cost.h"
#include "models/transformer/transformer.h"

namespace zoo {

struct Architecture {
  std::string_view name;
  /// Whether a checkpoint holds this kind.
  bool (*is_in)(const std::filesystem::path& folder);
  TransformerOptions (*read_options)(const std::filesystem::path& folder);
  /// Throws std::invalid_argument or c10::Error for an impossible model.
  void (*check)(const TransformerOptions& options);
  ModelCost (*cost)(const TransformerOptions& options);
  /// Draws the weights from torch's default generator.
  std::unique_ptr<TranslationModel> (*make)(const TransformerOptions& options);
  /// The names of the options that it does not support.
  std::vector<std::string> (*lacks)();
};

/// The first row is the default.
const std::vector<Architecture>& architectures();

/// The architecture of the model in the folder.
const Architecture& architecture_in(const std::filesystem::path& folder);

}  // namespace zoo
