// Scores of distances, and the shift that gives each key its own.
#include "models/positions/transformer_xl.h"

#include <c10/util/Exception.h>

#include "models/positions/sinusoidal.h"

namespace zoo {

TransformerXlPosition::TransformerXlPosition(int64_t heads, int64_t head_width, int64_t d_model)
    : d_model_(d_model) {
  TORCH_CHECK(heads > 0 && head_width > 0 && d_model > 0,
              "Transformer-XL positions: heads, head width and d_model must be positive, got ",
              heads, ", ", head_width, " and ", d_model);
  content_bias = register_parameter("content_bias", torch::zeros({heads, head_width}));
  distance_bias = register_parameter("distance_bias", torch::zeros({heads, head_width}));
}

DistanceVectors TransformerXlPosition::distance_vectors(int64_t S, int64_t ahead,
                                                        torch::Device device) const {
  const auto distances = torch::arange(1 - S, ahead + 1, torch::kLong);  // key minus query: [D]
  // R is of query minus key.
  auto vectors = sinusoids_of(-distances, d_model_, SinusoidOrder::kHalves).to(device);  // [D, C]
  return {vectors, ahead, content_bias, distance_bias};
}

torch::Tensor distance_scores(const torch::Tensor& q, const torch::Tensor& matrix,
                              const torch::Tensor& vectors) {
  const int64_t B = q.size(0), H = q.size(1), T = q.size(2), Dh = q.size(3);
  const int64_t C = matrix.size(1), D = vectors.size(0), Hkv = matrix.size(0) / Dh;
  const auto by_head = [&](const torch::Tensor& t) {  // [Hkv, ...] -> [H, ...]
    return Hkv == H ? t : t.repeat_interleave(H / Hkv, 0);
  };
  const auto rows = q.transpose(0, 1).reshape({H, B * T, Dh});
  const auto R = vectors.to(matrix.scalar_type());
  const auto operations = [](int64_t a, int64_t b, int64_t c) { return double(a) * b * c; };
  torch::Tensor scores;  // [H, B T, D]
  if (operations(D, C, Hkv * Dh) + operations(H * B * T, Dh, D) <=
      operations(H * B * T, C, Dh + D)) {
    const auto keys = torch::linear(R, matrix).unflatten(1, {Hkv, Dh});  // [D, Hkv, Dh]
    scores = torch::bmm(rows, by_head(keys.permute({1, 2, 0})));         // [H, B T, D]
  } else {  // few queries: a step of decoding
    const auto projected = torch::bmm(rows, by_head(matrix.view({Hkv, Dh, C})));  // [H, B T, C]
    scores = torch::matmul(projected, R.t().to(projected.scalar_type()));         // [H, B T, D]
  }
  return scores.view({H, B, T, D}).transpose(0, 1);  // [B, H, T, D]
}

torch::Tensor by_key(const torch::Tensor& scores, int64_t S, const torch::Tensor& query_start) {
  const int64_t T = scores.size(2), D = scores.size(3);
  if (query_start.defined()) {  // key s and a query at p have entry s - p + S - 1
    const auto numbers = torch::TensorOptions().dtype(torch::kLong).device(scores.device());
    const auto queries = torch::arange(T, numbers).view({1, T, 1}) +
                         query_start.to(scores.device()).view({-1, 1, 1});  // [B, T, 1]
    const auto entries =
        (torch::arange(S, numbers) - queries + S - 1).clamp(0, D - 1);  // [B, T, S]
    return scores.gather(-1, entries.unsqueeze(1).expand({-1, scores.size(1), -1, -1}));
  }
  // Entry s - t + T - 1 of row t lies at t D + s - t + T - 1 = t (D - 1) + s + T - 1: rows one
  // shorter, from T - 1 on, hold the scores of key s in column s.
  return scores.flatten(2)
      .narrow(2, T - 1, T * (D - 1))
      .unflatten(2, {T, D - 1})
      .narrow(3, 0, S);  // [B, H, T, S]
}

}  // namespace zoo
