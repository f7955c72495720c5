// Exercise 29: online softmax. What to write: README.md beside this file. Grade it: scripts/grade.sh 29
#include "notebooks-cpp/exercises/29_online_softmax/online_softmax.h"

// row_max [..., T], row_sum [..., T], scores [..., T, K] -> both with K more scores in each row
std::tuple<torch::Tensor, torch::Tensor> add_block(const torch::Tensor& row_max,
                                                   const torch::Tensor& row_sum,
                                                   const torch::Tensor& scores) {
  // TODO 29.1 (4 marks)
  throw NotDone("29.1");
}

// scores [..., S] -> weights [..., S]
torch::Tensor online_softmax(const torch::Tensor& scores, int64_t block_size) {
  // TODO 29.2 (2 marks)
  throw NotDone("29.2");
}

// q [..., T, Dh], k [..., S, Dh], v [..., S, Dv], may_attend bool or undefined, broadcasts to
// [..., T, S] -> [..., T, Dv]
torch::Tensor attend_online(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const torch::Tensor& may_attend, double scale, int64_t block_size) {
  // TODO 29.3 (4 marks)
  throw NotDone("29.3");
}
