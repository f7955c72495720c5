#include "notebooks-cpp/exercises/grader/use.h"
#include "models/attention/kernels/own_kernel.h"
#include "notebooks-cpp/exercises/31_flash_backward/flash_backward.h"

namespace {

constexpr int64_t kBlock = 64;

/// A forward pass that forms all weights; the exercise's backward pass.
struct Flash : torch::autograd::Function<Flash> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& may_attend, double scale) {
    const auto hidden = may_attend.logical_not();
    const auto scores = (q.matmul(k.transpose(-2, -1)) * scale).masked_fill(hidden, -INFINITY);
    const auto log_sum_exp = scores.logsumexp(-1);  // [B, H, T]
    const auto weights = (scores - log_sum_exp.unsqueeze(-1)).exp().masked_fill(hidden, 0.0);
    const auto y = weights.matmul(v);
    context->save_for_backward({q, k, v, may_attend, y, log_sum_exp});
    context->saved_data["scale"] = scale;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list upstream) {
    const auto saved = context->get_saved_variables();
    const auto [dq, dk, dv] = flash_backward(saved[0], saved[1], saved[2], saved[3],
                                             context->saved_data["scale"].toDouble(), saved[4],
                                             saved[5], upstream[0], kBlock, kBlock);
    return {dq, dk, dv, torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const torch::Tensor& may_attend, double scale) {
  return Flash::apply(q, k, v, may_attend, scale);
}

}  // namespace

EXERCISE_USE(exercises::own<zoo::OwnAttend>("attend", &attend))
