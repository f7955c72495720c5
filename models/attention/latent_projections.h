// The projections of multi-head latent attention: DeepSeek-AI 2024 (arXiv:2405.04434), §2.1. Keys
// and values of all heads come from one latent vector c_t of r numbers a token, and a cache keeps
// only that (and Dr rotated numbers, which all heads share): Dr + r instead of 2 H Dh.
//
//   c_t = norm(W^DKV h_t)                           Eq. 9
//   k_t = [rotate(W^KR h_t); W^UK c_t]              Eq. 10, 15, 17 (there the other way round)
//   v_t = W^UV c_t                                  Eq. 11
//   q_t = [rotate(W^QR d_t); W^UQ d_t]              Eq. 13, 14, 16; d_t = norm(W^DQ h_t), or h_t
//
// Two forms give the same numbers (§2.1.2). *Expanded*: keys and values of all heads are formed; a
// pair of query and key costs 4 (Dr + Dh) operations a head, a key 4 r Dh. *Absorbed*: q^T W^UK c
// is (W^UK^T q)^T c, so queries go into the latent space, and all heads read [rotated; c] itself,
// as one key-value head: a pair costs 4 (Dr + r), a query 4 r Dh. Few queries of many keys, as in
// decoding, take the second.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "models/layers/norm.h"

namespace zoo {

struct LatentOptions {
  int64_t width = 0;         ///< r: of the vector that keys and values come from
  int64_t query_width = 0;   ///< of the vector that queries come from; 0: the layer's input
  int64_t rotary_width = 0;  ///< Dr: the part of queries and keys that rotates
  NormOptions norm = {};     ///< of the latent vectors
};

/// Whether T queries of S keys, heads Dh wide, take fewer operations in the absorbed form.
bool prefers_absorbed(const LatentOptions& options, int64_t head_width, int64_t T, int64_t S);

/// Differs from the paper: nothing; biases are optional (W^UK and W^UV have none: the absorbed form
/// has no place for them).
class LatentProjectionsImpl : public torch::nn::Module {
 public:
  LatentProjectionsImpl(int64_t d_model, int64_t heads, int64_t head_width, bool bias,
                        const LatentOptions& options);

  struct Projected {
    torch::Tensor q;       ///< [B, H, T, Dr + Dh], not yet rotated
    torch::Tensor latent;  ///< [B, 1, T, Dr + r]: what is cached, not yet rotated
  };
  /// x [B, T, C]
  Projected project(const torch::Tensor& x);

  /// What attend() gets, and the way back.
  struct Heads {
    torch::Tensor q, k, v;  ///< of one width; k and v of H heads, or one
    bool absorbed = false;
  };
  /// q [B, H, T, Dr + Dh] and the latent vectors of all keys [B, 1, S, Dr + r], rotated.
  Heads heads_of(const torch::Tensor& q, const torch::Tensor& latent, bool absorbed) const;
  /// attend()'s result -> [B, H, T, Dh]
  torch::Tensor values_of(const torch::Tensor& y, bool absorbed) const;

  /// Numbers that a cache holds for each token: Dr + r.
  int64_t cached_width() const { return options.rotary_width + options.width; }

  LatentOptions options;
  torch::nn::Linear query_down{nullptr};  // [rq, C]: W^DQ; empty without a latent vector of queries
  Norm query_norm{nullptr};               // over rq
  torch::nn::Linear query_up{nullptr};    // [H (Dr + Dh), rq or C]: a head's W^QR, then its W^UQ
  torch::nn::Linear key_down{nullptr};    // [Dr + r, C]: W^KR, then W^DKV
  Norm key_norm{nullptr};                 // over r
  torch::nn::Linear key_up{nullptr};      // [H 2 Dh, r]: a head's W^UK, then its W^UV

 private:
  int64_t heads_, head_width_;
};
TORCH_MODULE(LatentProjections);

}  // namespace zoo
