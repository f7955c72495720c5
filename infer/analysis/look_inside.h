// The questions of the program look_inside, from an opened model to tables, charts and JSON.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "infer/analysis/look_result.h"
#include "infer/analysis/looked_at.h"

namespace zoo {

/// What the model would say after each layer (logit_lens.h); `top` tokens a cell. GPT.
LookResult look_at_layers(const OpenedInput& opened, int64_t top);

/// Which heads are induction heads (induction.h). GPT; needs no input.
LookResult look_for_induction(const OpenedInput& opened, int64_t length, int64_t sequences,
                              uint64_t seed);

/// Which heads matter (head_importance.h), and the curve of leaving them out. Any family.
LookResult look_at_heads(const OpenedInput& opened);

/// Where the difference of two texts lives (activation_patching.h). GPT. `answer`, `other`: next
/// tokens to compare, as text; unset: what the model says after each.
LookResult look_at_patches(const OpenedInput& opened, const std::string& corrupted,
                           const std::optional<std::string>& answer,
                           const std::optional<std::string>& other);

/// How alike the embeddings of the input's tokens are, and those of positions
/// (embedding_similarity.h). Any family; without an input positions alone.
LookResult look_at_embeddings(const OpenedInput& opened);

}  // namespace zoo
