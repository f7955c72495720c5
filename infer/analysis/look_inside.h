// The questions of the program look_inside, from an opened model to tables, charts and JSON.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "infer/analysis/labelled_states.h"
#include "infer/analysis/layer_probe.h"
#include "infer/analysis/look_result.h"
#include "infer/analysis/looked_at.h"
#include "infer/analysis/sub_layers.h"
#include "models/gpt/length_options.h"
#include "models/pretrained/format/checkpoint_folder.h"

namespace zoo {

/// What the model would say after each layer (logit_lens.h); `top` tokens a cell. GPT.
LookResult look_at_layers(const OpenedInput& opened, int64_t top);

/// Which heads are induction heads (induction.h). GPT; needs no input.
LookResult look_for_induction(const OpenedInput& opened, int64_t length, int64_t sequences,
                              uint64_t seed);

/// Which heads matter (head_importance.h), and the curve of leaving them out. Any family.
LookResult look_at_heads(const OpenedInput& opened);

struct PatchQuestion {
  std::string corrupted = {};                          ///< the text with words changed
  std::optional<std::string> answer = {}, other = {};  ///< next tokens; unset: what the model says
  LayerPart what = LayerPart::kResidual;
};

/// Where the difference of two texts lives (activation_patching.h). GPT.
LookResult look_at_patches(const OpenedInput& opened, const PatchQuestion& question);

/// What each module gives, its weights and their gradients, and which stand out
/// (module_statistics.h). Any family.
LookResult look_at_statistics(const OpenedInput& opened);

/// What a linear classifier reads off each layer (layer_probe.h). GPT, BERT, ViT, CCT.
LookResult look_with_probes(const OpenedInput& opened, const ExampleFile& file,
                            const ProbeOptions& options);

/// By products of gradients of the whole model, or by influence functions of a head that is fitted
/// to the states of one layer.
enum class InfluenceMethod { kGradient, kHead };
template <>
struct EnumNames<InfluenceMethod> {
  static constexpr std::string_view what = "influence method";
  static constexpr std::pair<InfluenceMethod, std::string_view> values[] = {
      {InfluenceMethod::kGradient, "gradient"}, {InfluenceMethod::kHead, "head"}};
};

struct InfluenceQuestion {
  InfluenceMethod method = InfluenceMethod::kGradient;
  std::optional<std::string> label = {};  ///< of the input; unset: what the model or head says
  std::optional<int64_t> layer = {};      ///< of the head: 0 the first; unset: the last
  double decay = 0.01, damping = 0;       ///< of the head
  bool retrain = false;                   ///< of the head: compare with leaving each example out
  int64_t top = 5;                        ///< examples shown of each kind
};

/// Which of a file's examples the input's loss depends on (influence.h). Whole models: a GPT (a
/// text a line), a BERT that classifies texts (label<TAB>text); heads also on other BERTs and GPTs.
LookResult look_for_influence(const OpenedInput& opened, const LookedAt& input,
                              const ExampleFile& file, const InfluenceQuestion& question);

/// Where in texts of up to the model's context it finds a digit (needle.h), as trained and with the
/// options for longer texts, if there are any. GPT of train_gpt --task needle.
LookResult look_for_needle(const std::filesystem::path& folder, const LoadModelOptions& load,
                           const Tokenizer& tokenizer, const LengthOptions& lengths, uint64_t seed);

/// How alike the embeddings of the input's tokens are, and those of positions
/// (embedding_similarity.h). Any family; without an input positions alone.
LookResult look_at_embeddings(const OpenedInput& opened);

}  // namespace zoo
