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
};

/// How many tokens an expert takes where N tokens choose K of E experts: factor * N K / E, rounded
/// up; at most N. With a factor of 1 there is room for all if the choices are even.
int64_t expert_capacity(double factor, int64_t N, int64_t K, int64_t E);

/// chosen [N, K] int64 -> groups. With a capacity, an expert keeps the first ones that chose it:
/// first choices before second ones, then earlier tokens before later ones. Sorts N K numbers;
/// waits for the device once, for the sizes.
ExpertGroups group_by_expert(const torch::Tensor& chosen, int64_t E,
                             std::optional<int64_t> capacity = {});

}  // namespace zoo
