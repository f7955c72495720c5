// Another way: the derivatives of a row as a matrix, row by row.
#include "notebooks-cpp/exercises/09_layer_norm/layer_norm.h"

torch::Tensor layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon) {
  const auto mean = x.mean(-1, true);
  const auto variance = (x - mean).pow(2).sum(-1, true) / x.size(-1);
  return (x - mean) * torch::pow(variance + epsilon, -0.5) * weight + bias;
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> layer_norm_backward(
    const torch::Tensor& dy, const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
  const int64_t C = x.size(-1);
  const auto rows = x.reshape({-1, C}), dys = dy.reshape({-1, C});
  auto dx = torch::empty_like(rows), dweight = torch::zeros({C}), dbias = torch::zeros({C});
  for (int64_t n = 0; n < rows.size(0); ++n) {
    const auto centred = rows[n] - rows[n].mean();
    const auto deviation = (centred.dot(centred) / C + epsilon).sqrt();
    const auto normal = centred / deviation;
    const auto share = torch::ones({C, C}) + torch::outer(normal, normal);
    const auto jacobian = (torch::eye(C) - share / C) / deviation;  // symmetric
    dx[n] = jacobian.mv(dys[n] * weight);
    dweight += dys[n] * normal;
    dbias += dys[n];
  }
  return {dx.view(x.sizes()), dweight, dbias};
}
