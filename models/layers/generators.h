// torch's default generators, to run a computation twice with the same random numbers.
#pragma once
#include <torch/types.h>

#include <vector>

namespace zoo {

/// The states of those that a model on `device` draws from: of the CPU, and of the device.
using GeneratorStates = std::vector<torch::Tensor>;
GeneratorStates generator_states(torch::Device device);
void restore_generators(const GeneratorStates& states, torch::Device device);

}  // namespace zoo
