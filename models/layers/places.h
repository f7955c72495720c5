// Some tokens of a batch instead of all: what a head must not be computed for costs nothing.
#pragma once
#include <torch/types.h>

namespace zoo {

/// chosen [B, T] bool -> [N] int64: the places that are true, row by row, each b T + t
torch::Tensor places_of(const torch::Tensor& chosen);
/// t [B, T, ...], places [N] -> [N, ...]
torch::Tensor at_places(const torch::Tensor& t, const torch::Tensor& places);

}  // namespace zoo
