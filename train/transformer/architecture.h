// The encoder-decoders that train_transformer can build: a table with a row for each value of
// --architecture. All are described by the Transformer's options, of which some have only a part.
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
  /// Throws std::invalid_argument or c10::Error for a model that cannot be.
  void (*check)(const TransformerOptions& options);
  ModelCost (*cost)(const TransformerOptions& options);
  /// With weights from torch's default generator.
  std::unique_ptr<TranslationModel> (*make)(const TransformerOptions& options);
  /// The names of the options that it has not.
  std::vector<std::string> (*lacks)();
};

/// The first row is the default.
const std::vector<Architecture>& architectures();

/// What the folder holds.
const Architecture& architecture_in(const std::filesystem::path& folder);

}  // namespace zoo
