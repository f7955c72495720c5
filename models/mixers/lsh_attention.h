// LSH attention: Kitaev et al. 2020 (arXiv:2001.04451), §2. A softmax is decided by its largest
// scores, and those belong to the keys near the query. A locality-sensitive hash gives near vectors
// the same bucket, and a query attends within its bucket only:
//
//   1. Queries and keys are one vector, q_t; as a key it has length 1 ("shared-QK").
//   2. Bucket of q_t: which of n random directions is nearest. R hash rounds, each with others.
//   3. Tokens are sorted by bucket and, within a bucket, by position; cut into chunks of m.
//   4. A query sees the keys of its bucket in its own chunk and in the one before (Eq. 5), no later
//      ones if causal, and itself only where it sees nothing else.
//   5. The rounds are one softmax over the union of their keys (Eq. 6; Appendix A).
//
// Operations for T tokens of one head: 2 R T Dh (sum of the digits below) for hashing, 8 R L m Dh
// for attention, where L <= T + n (m - 1) is the length after 3. Memory R T (Dh + 1), and the
// weights of some chunks; with gradients 2 R L m weights.
//
// Differs from the paper: chunks are cut in each bucket by itself, not across the sorted text.
// There a later token in an earlier bucket moves the borders between the chunks, and so what
// earlier tokens see: causal in its values only. Here no later token changes anything. The price is
// that the last chunk of a bucket is not full.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zoo {

/// A hash of n = 2^b buckets as digits of at most 16, each with its own directions: their product
/// is n, so that the cost of hashing grows with log n ("factorised" hashes of the authors' code).
/// Throws c10::Error where n is no power of two.
std::vector<int64_t> hash_digits(int64_t buckets);

/// Random directions of R rounds: [R, Dh, half the sum of the digits]. From torch's default
/// generator.
torch::Tensor hash_directions(int64_t rounds, int64_t head_width, int64_t buckets);

/// Angular hash (§2): argmax [x R; -x R], digit by digit. x [B, H, T, Dh] -> [B, H, R, T] int64.
torch::Tensor lsh_buckets(const torch::Tensor& x, const torch::Tensor& directions, int64_t buckets);

struct LshOptions {
  int64_t buckets = 1;  ///< n
  int64_t chunk = 64;   ///< m
  bool causal = true;
};

/// q [B, H, T, Dk], v [B, H, T, Dv], buckets [B, H, R, T] (of lsh_buckets(), or any numbers in
/// [0, n)) -> [B, H, T, Dv]. Tokens from lengths[b] on are padding; their rows are zero.
torch::Tensor lsh_attention(const torch::Tensor& q, const torch::Tensor& v,
                            const torch::Tensor& buckets, const LshOptions& options,
                            const torch::Tensor& lengths = {});

/// Sorted into chunks, every token has a code; a query with code c sees the keys with c and c - 1.
struct LshCodes {
  torch::Tensor codes;   ///< [B, H, R, T] int64; padding: kNoCode
  torch::Tensor ranks;   ///< [B, H, R, T]: earlier tokens in the same bucket
  torch::Tensor counts;  ///< [B, H, R, n]: tokens of each bucket, with those before
};
inline constexpr int64_t kNoCode = -2;
/// `counts`: of the tokens before these; undefined: there are none.
LshCodes lsh_codes(const torch::Tensor& buckets, const LshOptions& options,
                   const torch::Tensor& lengths = {}, const torch::Tensor& counts = {});

/// The same attention with a matrix of weights: queries are the last T of S tokens, and keys have
/// length 1. q [B, H, T, Dk], k [B, H, S, Dk], v [B, H, S, Dv], codes [B, H, R, S]. Causal.
/// Operations 2 T S (Dk + Dv) a head: for generation, where T = 1.
torch::Tensor lsh_attention_of_last(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, const torch::Tensor& codes);

/// Operations of the products of lsh_attention() and lsh_buckets() for one head of one row.
double lsh_operations(int64_t T, int64_t rounds, int64_t key_width, int64_t value_width,
                      const LshOptions& options);

/// x / |x| [..., D]: queries as keys.
torch::Tensor as_keys(const torch::Tensor& x);

}  // namespace zoo
