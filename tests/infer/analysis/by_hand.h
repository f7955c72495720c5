// Layers whose attention is known because their weights are set by hand.
#pragma once
#include <torch/types.h>

#include "models/attention/multi_head_attention.h"
#include "models/gpt/gpt.h"
#include "models/layers/block.h"

namespace zoo::testing {

/// Every matrix of the block is zero: it hands on what it got.
inline void make_inert(BlockImpl& block) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : block.named_parameters()) {
    if (parameter.value().dim() == 2 || parameter.key().ends_with(".bias"))
      parameter.value().zero_();
  }
}

/// Tokens whose vector has its one large entry at their own place look at the places that `looks`
/// [T, S] marks with ones, all alike; a query without any looks at all keys alike. The head is as
/// wide as S, the model at least as wide.
inline void look_at(MultiHeadAttentionImpl& attention, int64_t head, const torch::Tensor& looks) {
  constexpr double kSharp = 200;
  const torch::NoGradGuard no_grad;
  const auto& o = attention.options;
  const int64_t T = looks.size(0), S = looks.size(1);
  auto rows = attention.in_proj->weight;  // [3 H Dh, C]
  rows.narrow(0, head * o.head_width, S).slice(1, 0, T).copy_(kSharp * looks.t());
  rows.narrow(0, (o.heads + head) * o.head_width, S).slice(1, 0, S).copy_(torch::eye(S));
}

/// table [P, C]: row p has its one at place p.
inline void set_places(torch::Tensor table) {
  const torch::NoGradGuard no_grad;
  table.zero_();
  table.fill_diagonal_(1.0);
}

/// [T, T]: ones `by` after the diagonal.
inline torch::Tensor shifted(int64_t T, int64_t by) {
  return torch::diag(torch::ones({T - std::abs(by)}), by);
}

/// A decoder whose vectors are the one of their place, then the one of their token: C = P + V. All
/// of its blocks hand on what they got; its output layer reads the token.
inline Gpt readable_gpt(int64_t places, int64_t vocab_size, int64_t layers, int64_t heads) {
  GptOptions o;
  o.context = places;
  o.vocab_size = vocab_size;
  o.layers = layers;
  o.heads = heads;
  o.d_model = o.head_width = places + vocab_size;
  o.feed_forward = 4;
  Gpt model(o);
  model->eval();
  const torch::NoGradGuard no_grad;
  set_places(model->named_parameters()["position.table.weight"]);
  auto& tokens = model->token_embedding->weight;
  tokens.zero_();
  tokens.slice(1, places).fill_diagonal_(1.0);
  for (int64_t n = 0; n < layers; ++n)
    make_inert(model->blocks->at<BlockImpl>(static_cast<size_t>(n)));
  return model;
}

/// The head writes what it reads of the tokens it looks at, times `strength`.
inline void copy_tokens(MultiHeadAttentionImpl& attention, int64_t head, int64_t places,
                        double strength) {
  const torch::NoGradGuard no_grad;
  const auto& o = attention.options;
  const int64_t Dh = o.head_width, V = o.d_model - places;
  attention.in_proj->weight.narrow(0, (2 * o.heads + head) * Dh, V)
      .slice(1, places)
      .copy_(torch::eye(V));
  attention.out_proj->weight.narrow(1, head * Dh, V)
      .slice(0, places)
      .copy_(strength * torch::eye(V));
}

}  // namespace zoo::testing
