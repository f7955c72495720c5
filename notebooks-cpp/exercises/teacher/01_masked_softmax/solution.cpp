// Exercise 01: softmax with a mask. What to write: README.md beside this file. Grade it: scripts/grade.sh 01
#include "notebooks-cpp/exercises/01_masked_softmax/masked_softmax.h"

// scores [..., S] -> weights [..., S]
torch::Tensor softmax(const torch::Tensor& scores) {
  // BEGIN SOLUTION 01.1 (4)
  const auto e = (scores - scores.amax(-1, true)).exp();  // [..., S]
  return e / e.sum(-1, true);
  // END SOLUTION
}

// scores [..., S], may_see bool, broadcasts to scores -> weights [..., S]
torch::Tensor masked_softmax(const torch::Tensor& scores, const torch::Tensor& may_see) {
  // BEGIN SOLUTION 01.2 (6)
  const auto hidden = may_see.expand_as(scores).logical_not();  // [..., S]
  const auto empty = hidden.all(-1, true);                      // [..., 1]
  const double kHidden = -std::numeric_limits<double>::infinity();
  // A row without keys gets scores of 0 and then weights of 0: minus infinity throughout would be NaN.
  const auto weights = softmax(scores.masked_fill(hidden, kHidden).masked_fill(empty, 0.0));
  return weights.masked_fill(hidden, 0.0);
  // END SOLUTION
}
