#include "models/layers/generators.h"

#include <ATen/Context.h>

namespace zoo {
namespace {

std::vector<torch::Device> devices_of(torch::Device device) {
  if (device.is_cpu()) return {device};
  return {torch::Device(torch::kCPU), device};
}

}  // namespace

GeneratorStates generator_states(torch::Device device) {
  GeneratorStates states;
  for (const torch::Device& d : devices_of(device))
    states.push_back(at::globalContext().defaultGenerator(d).get_state());
  return states;
}

void restore_generators(const GeneratorStates& states, torch::Device device) {
  size_t n = 0;
  for (const torch::Device& d : devices_of(device)) {
    at::Generator generator = at::globalContext().defaultGenerator(d);
    generator.set_state(states[n++]);
  }
}

}  // namespace zoo
