// Diverse beam search: Vijayakumar et al. 2016 (arXiv:1610.02424), §3.
//
// At each step the groups of a prompt choose one after the other. A token's score is reduced by the
// penalty for each beam of an earlier group that has chosen it at this step (Hamming diversity).
#pragma once
#include <torch/types.h>

#include <span>
#include <vector>

#include "infer/decode/beam/beam.h"

namespace zoo {

/// scores [n, V] of a group's beams, minus `penalty` for each occurrence of a token in `taken`.
torch::Tensor penalise_taken(const torch::Tensor& scores, std::span<const int64_t> taken,
                             double penalty);

/// The finished texts of one prompt's groups, best first.
std::vector<Hypothesis> best_of_groups(std::span<const Search> groups);

}  // namespace zoo
