#include "notebooks-cpp/exercises/grader/use.h"
#include "models/attention/kernels/own_kernel.h"
#include "notebooks-cpp/exercises/30_flash_forward/flash_forward.h"

namespace {

constexpr int64_t kBlock = 64;

/// The exercise's forward pass; a backward pass that forms all weights, from the log-sum-exp.
struct Flash : torch::autograd::Function<Flash> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& may_attend, double scale) {
    const auto [y, log_sum_exp] = flash_forward(q, k, v, may_attend, scale, kBlock, kBlock);
    context->save_for_backward({q, k, v, may_attend, y, log_sum_exp});
    context->saved_data["scale"] = scale;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list upstream) {
    const auto saved = context->get_saved_variables();
    const auto &q = saved[0], &k = saved[1], &v = saved[2];
    const double scale = context->saved_data["scale"].toDouble();
    const auto scores = q.matmul(k.transpose(-2, -1)) * scale - saved[5].unsqueeze(-1);
    const auto weights = scores.exp().masked_fill(saved[3].logical_not(), 0.0);  // [B, H, T, S]
    const auto delta = (upstream[0] * saved[4]).sum(-1, true);
    const auto dscores =
        weights * (upstream[0].matmul(v.transpose(-2, -1)) - delta) * scale;  // [B, H, T, S]
    return {dscores.matmul(k), dscores.transpose(-2, -1).matmul(q),
            weights.transpose(-2, -1).matmul(upstream[0]), torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const torch::Tensor& may_attend, double scale) {
  return Flash::apply(q, k, v, may_attend, scale);
}

}  // namespace

EXERCISE_USE(exercises::own<zoo::OwnAttend>("attend", &attend))
