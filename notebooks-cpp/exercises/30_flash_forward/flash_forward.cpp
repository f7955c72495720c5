// Exercise 30: flash attention, forward. What to write: README.md beside this file. Grade it: scripts/grade.sh 30
#include "notebooks-cpp/exercises/30_flash_forward/flash_forward.h"

static const double kNothing = -std::numeric_limits<double>::infinity();

// scores [..., T, S], v [..., S, Dh], row_max and row_sum [..., T, 1], output [..., T, Dh]
// -> row_max, row_sum, output
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> add_tile(const torch::Tensor& scores,
                                                                 const torch::Tensor& v,
                                                                 const torch::Tensor& row_max,
                                                                 const torch::Tensor& row_sum,
                                                                 const torch::Tensor& output) {
  // TODO 30.1 (3 marks)
  throw NotDone("30.1");
}

// q [..., T, Dh], k and v [..., S, Dh], may_attend bool [..., T, S] or undefined
// -> output [..., T, Dh], log-sum-exp [..., T]
std::tuple<torch::Tensor, torch::Tensor> flash_forward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, int64_t query_block, int64_t key_block) {
  // TODO 30.2 (7 marks)
  throw NotDone("30.2");
}
