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

/// The beams of one prompt, or of one group of them, and their finished texts.
struct Search {
  std::vector<Beam> beams;
  FinishedHypotheses finished;
};

}  // namespace zoo
