// The questions of the program look_inside, from an opened model to tables, charts and JSON.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "infer/analysis/look_result.h"
#include "infer/analysis/looked_at.h"
#include "infer/analysis/sub_layers.h"

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

/// How alike the embeddings of the input's tokens are, and those of positions
/// (embedding_similarity.h). Any family; without an input positions alone.
LookResult look_at_embeddings(const OpenedInput& opened);

}  // namespace zoo
