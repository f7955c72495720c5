// Exercise 02: one head. What to write: README.md beside this file. Grade it: scripts/grade.sh 02
#include "notebooks-cpp/exercises/02_one_head/one_head.h"

// q [..., T, Dh], k [..., S, Dh], may_attend bool or undefined, broadcasts to [..., T, S]
// -> weights [..., T, S]
torch::Tensor attention_weights(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& may_attend) {
  // TODO 02.1 (4 marks)
  throw NotDone("02.1");
}

// q [..., T, Dh], k [..., S, Dh], v [..., S, Dv], may_attend as above -> [..., T, Dv]
torch::Tensor attend_one_head(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& may_attend) {
  // TODO 02.2 (6 marks)
  throw NotDone("02.2");
}
