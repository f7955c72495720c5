#include "train/loop/random_state.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace zoo {
namespace {

std::vector<std::pair<std::string, torch::DeviceType>> generators() {
  std::vector<std::pair<std::string, torch::DeviceType>> all = {{"cpu", torch::kCPU}};
  if (at::globalContext().hasCUDA()) all.emplace_back("cuda", torch::kCUDA);
  return all;
}

}  // namespace

std::map<std::string, torch::Tensor> random_state() {
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, type] : generators())
    state[name] = at::globalContext().defaultGenerator(type).get_state();
  return state;
}

void restore_random_state(const std::map<std::string, torch::Tensor>& state) {
  for (const auto& [name, type] : generators()) {
    const auto found = state.find(name);
    if (found == state.end()) continue;
    auto generator = at::globalContext().defaultGenerator(type);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    try {
      generator.set_state(found->second);
    } catch (const c10::Error&) {
      throw std::runtime_error(fmt::format("'random.{}' is no state of a generator", name));
    }
  }
}

}  // namespace zoo
