// The state of torch's default generators, which dropout draws from.
#pragma once
#include <torch/types.h>

#include <map>
#include <string>

namespace zoo {

/// Keys: "cpu", and "cuda" if there is a GPU.
std::map<std::string, torch::Tensor> random_state();

/// Restores the generators that exist here. Throws std::runtime_error for an invalid state.
void restore_random_state(const std::map<std::string, torch::Tensor>& state);

}  // namespace zoo
