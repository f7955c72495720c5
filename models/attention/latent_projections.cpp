// Down to latent vectors, up to heads.
#include "models/attention/latent_projections.h"

#include <c10/util/Exception.h>

namespace zoo {

bool prefers_absorbed(const LatentOptions& o, int64_t head_width, int64_t T, int64_t S) {
  const auto queries = static_cast<double>(T), keys = static_cast<double>(S);
  const auto Dr = static_cast<double>(o.rotary_width), Dh = static_cast<double>(head_width),
             r = static_cast<double>(o.width);
  return queries * keys * (Dr + r) + queries * r * Dh < queries * keys * (Dr + Dh) + keys * r * Dh;
}

LatentProjectionsImpl::LatentProjectionsImpl(int64_t d_model, int64_t heads, int64_t head_width,
                                             bool bias, const LatentOptions& options_)
    : options(options_), heads_(heads), head_width_(head_width) {
  const int64_t r = options.width, rq = options.query_width, Dr = options.rotary_width;
  TORCH_CHECK(r > 0 && rq >= 0 && Dr >= 0 && Dr % 2 == 0,
              "LatentProjections: the keys' width must be positive, the queries' 0 or more, the "
              "rotary width even, got ",
              r, ", ", rq, " and ", Dr);
  const auto linear = [this](const char* name, int64_t in, int64_t out, bool with_bias) {
    const auto sizes = torch::nn::LinearOptions(in, out).bias(with_bias);
    return register_module(name, torch::nn::Linear(sizes));
  };
  if (rq > 0) {
    query_down = linear("query_down", d_model, rq, bias);
    query_norm = register_module("query_norm", Norm(rq, options.norm));
  }
  query_up = linear("query_up", rq > 0 ? rq : d_model, heads * (Dr + head_width), bias);
  key_down = linear("key_down", d_model, Dr + r, bias);
  key_norm = register_module("key_norm", Norm(r, options.norm));
  key_up = linear("key_up", r, heads * 2 * head_width, /*with_bias=*/false);
}

LatentProjectionsImpl::Projected LatentProjectionsImpl::project(const torch::Tensor& x) {
  const int64_t Dr = options.rotary_width;
  const auto d = query_down ? query_norm(query_down(x)) : x;  // [B, T, rq or C]
  const auto q = query_up(d).unflatten(-1, {heads_, Dr + head_width_}).transpose(1, 2);
  const auto down = key_down(x);                                // [B, T, Dr + r]
  const auto c = key_norm(down.narrow(-1, Dr, options.width));  // [B, T, r]
  const auto latent = Dr > 0 ? torch::cat({down.narrow(-1, 0, Dr), c}, -1) : c;
  return {q, latent.unsqueeze(1)};
}

LatentProjectionsImpl::Heads LatentProjectionsImpl::heads_of(const torch::Tensor& q,
                                                             const torch::Tensor& latent,
                                                             bool absorbed) const {
  const int64_t Dr = options.rotary_width, r = options.width, H = heads_, Dh = head_width_;
  const auto rotated_q = q.narrow(-1, 0, Dr), plain_q = q.narrow(-1, Dr, Dh);
  if (absorbed) {
    const auto up = key_up->weight.view({H, 2 * Dh, r}).narrow(1, 0, Dh);  // W^UK: [H, Dh, r]
    const auto queries = torch::matmul(plain_q, up);                       // [B, H, T, r]
    return {Dr > 0 ? torch::cat({rotated_q, queries}, -1) : queries, latent, latent, true};
  }
  const auto c = latent.squeeze(1).narrow(-1, Dr, r);  // [B, S, r]
  const auto up = torch::linear(c, key_up->weight).unflatten(-1, {H, 2 * Dh}).transpose(1, 2);
  auto k = up.narrow(-1, 0, Dh), v = up.narrow(-1, Dh, Dh);  // [B, H, S, Dh]
  if (Dr > 0) {
    k = torch::cat({latent.narrow(-1, 0, Dr).expand({-1, H, -1, -1}), k}, -1);
    v = torch::constant_pad_nd(v, {Dr, 0});  // attend() takes keys and values of one width
  }
  return {q, k, v, false};
}

torch::Tensor LatentProjectionsImpl::values_of(const torch::Tensor& y, bool absorbed) const {
  const int64_t Dr = options.rotary_width, r = options.width, H = heads_, Dh = head_width_;
  if (!absorbed) return y.narrow(-1, Dr, Dh);
  const auto up = key_up->weight.view({H, 2 * Dh, r}).narrow(1, Dh, Dh);  // W^UV: [H, Dh, r]
  return torch::matmul(y.narrow(-1, Dr, r), up.transpose(-2, -1));        // [B, H, T, Dh]
}

}  // namespace zoo
