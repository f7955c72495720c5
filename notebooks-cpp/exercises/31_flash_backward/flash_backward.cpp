// Exercise 31: flash attention, backward. What to write: README.md beside this file. Grade it: scripts/grade.sh 31
#include "notebooks-cpp/exercises/31_flash_backward/flash_backward.h"

// y and dy [..., T, Dh] -> [..., T]
torch::Tensor row_delta(const torch::Tensor& y, const torch::Tensor& dy) {
  // TODO 31.1 (1 mark)
  throw NotDone("31.1");
}

// q [..., T, Dh], k [..., S, Dh], may_attend bool [..., T, S] or undefined, log_sum_exp [..., T]
// -> [..., T, S]
torch::Tensor tile_weights(const torch::Tensor& q, const torch::Tensor& k,
                           const torch::Tensor& may_attend, double scale,
                           const torch::Tensor& log_sum_exp) {
  // TODO 31.2 (2 marks)
  throw NotDone("31.2");
}

// q, y, dy [..., T, Dh], k and v [..., S, Dh], may_attend and log_sum_exp as above
// -> dq [..., T, Dh], dk and dv [..., S, Dh]
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> flash_backward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, const torch::Tensor& y,
    const torch::Tensor& log_sum_exp, const torch::Tensor& dy, int64_t query_block,
    int64_t key_block) {
  // TODO 31.3 (7 marks)
  throw NotDone("31.3");
}
