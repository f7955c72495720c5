// ALiBi, attention with linear biases: Press et al. 2021 (arXiv:2108.12409), §3. Nothing is added
// to the embeddings; a score loses a head's slope times the distance of its key. Texts longer than
// those of training meet no position that is new, only larger distances.
//
// Differs from the paper: a model that looks both ways takes the distance's absolute value.
#pragma once
#include "models/positions/position.h"

namespace zoo {

/// Slopes [H], float32: 2^(-8 i / H) for i = 1 .. H where H is a power of two. Else those of the
/// power below it, and every other one of those of the power above it, as the paper's code has it.
torch::Tensor alibi_slopes(int64_t heads);

class AlibiPosition : public Position {
 public:
  explicit AlibiPosition(int64_t heads);
  torch::Tensor relative_bias(int64_t T, int64_t S, torch::Device device) const override;

 private:
  torch::Tensor slopes_;  // [H, 1]
};

}  // namespace zoo
