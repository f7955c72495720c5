// Exercise 02: one head. What to write: README.md beside this file. Grade it: scripts/grade.sh 02
#include "notebooks-cpp/exercises/02_one_head/one_head.h"

// q [..., T, Dh], k [..., S, Dh], may_attend bool or undefined, broadcasts to [..., T, S]
// -> weights [..., T, S]
torch::Tensor attention_weights(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& may_attend) {
  // BEGIN SOLUTION 02.1 (4)
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
  const auto scores = q.matmul(k.transpose(-2, -1)) * scale;  // [..., T, S]
  if (!may_attend.defined()) return torch::softmax(scores, -1);
  const auto hidden = may_attend.logical_not();
  // Low, not minus infinity: a row that sees nothing stays finite, and so do its gradients.
  const auto low = scores.masked_fill(hidden, std::numeric_limits<float>::lowest());
  return torch::softmax(low, -1).masked_fill(hidden, 0.0);
  // END SOLUTION
}

// q [..., T, Dh], k [..., S, Dh], v [..., S, Dv], may_attend as above -> [..., T, Dv]
torch::Tensor attend_one_head(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& may_attend) {
  // BEGIN SOLUTION 02.2 (6)
  return attention_weights(q, k, may_attend).matmul(v);  // [..., T, Dv]  Eq. 1
  // END SOLUTION
}
