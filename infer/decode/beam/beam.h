// A beam, and the beams of one prompt.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "infer/decode/beam/hypotheses.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

struct Beam {
  RowTokens text;
  std::vector<double> log_probs = {};
  double sum = 0.0;
  torch::Tensor coverage = {};  // [S] or undefined
};

/// One prompt's beams, or one group of them, and what they have finished.
struct Search {
  std::vector<Beam> beams;
  FinishedHypotheses finished;
};

}  // namespace zoo
