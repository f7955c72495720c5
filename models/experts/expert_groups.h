// Choices grouped by expert, so that each expert computes its tokens in one product; and how many
// tokens it takes. Capacity: Lepikhin et al. 2020 (arXiv:2006.16668), Algorithm 1; Fedus et al.
// 2021 (arXiv:2101.03961), Eq. 3.
#pragma once
#include <torch/types.h>

#include <optional>
#include <vector>

namespace zoo {

/// M kept choices, at most N K, those of expert 0 first. Rows that are gathered by `tokens` lie
/// together for each expert.
struct ExpertGroups {
  torch::Tensor tokens;        // [M] int64: numbers of tokens
  torch::Tensor choices;       // [M] int64: k N + t for token t's choice k, numbered from 0
  std::vector<int64_t> sizes;  ///< E: rows of each expert; their sum is M
  torch::Tensor wanted;        // [E] int64: choices of each expert, kept or not
  /// Of a shard of a batch: each row's number among those of its expert in the whole batch [M]
  /// int64, how many these are, E, and which tokens are here: from first_token on, of
  /// tokens_in_batch. Else undefined and empty.
  torch::Tensor places = {};
  std::vector<int64_t> sizes_in_batch = {};
  int64_t first_token = 0, tokens_in_batch = 0;
};

/// How many tokens an expert takes where N tokens choose K of E experts: factor * N K / E, rounded
/// up; at most N. With a factor of 1 there is room for all if the choices are even.
int64_t expert_capacity(double factor, int64_t N, int64_t K, int64_t E);

/// chosen [N, K] int64 -> groups. With a capacity, an expert keeps the first ones that chose it:
/// first choices before second ones, then earlier tokens before later ones. Sorts N K numbers;
/// waits for the device once, for the sizes.
ExpertGroups group_by_expert(const torch::Tensor& chosen, int64_t E,
                             std::optional<int64_t> capacity = {});

/// The groups of tokens first to first + N - 1 of a batch, all of whose choices are
/// chosen_in_batch: the capacity is that of the whole batch.
ExpertGroups group_shard(const torch::Tensor& chosen_in_batch, int64_t first, int64_t N, int64_t E,
                         std::optional<int64_t> capacity);

}  // namespace zoo
