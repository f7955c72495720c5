#include "train/objectives/masked_batch.h"

#include "models/layers/token_selection.h"
#include "train/objectives/token_loss.h"

namespace zoo {

MaskedBatch MaskedBatch::to(torch::Device device) const {
  return {.tokens = tokens.to(device),
          .original = original.to(device),
          .labels = labels.to(device),
          .segments = segments.to(device),
          .lengths = lengths.to(device),
          .pair = pair.to(device)};
}

torch::Tensor MaskedBatch::masked_positions() const { return indices_of(labels.ne(kIgnored)); }

torch::Tensor MaskedBatch::targets() const {
  return labels.flatten().index_select(0, masked_positions());
}

bool MaskedBatch::has_targets() const { return labels.ne(kIgnored).any().item<bool>(); }

}  // namespace zoo
