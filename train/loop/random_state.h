// The state of torch's default generators: what dropout draws next.
#pragma once
#include <torch/types.h>

#include <map>
#include <string>

namespace zoo {

/// "cpu", and "cuda" where there is a GPU.
std::map<std::string, torch::Tensor> random_state();

/// Of those that are there. Throws std::runtime_error for what is no generator's state.
void restore_random_state(const std::map<std::string, torch::Tensor>& state);

}  // namespace zoo
