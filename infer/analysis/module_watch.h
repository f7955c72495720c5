// What each module gave in a pass of any model, without the model's help: torch's operators are
// watched, and the one that reads a module's weight gives that module's output.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

namespace zoo {

struct ModuleOutput {
  std::string weight = {};    ///< the parameter that was read: "blocks.0.attention.in_proj.weight"
  std::string reader = {};    ///< the operator that read it: "linear", "embedding", ...
  torch::Tensor output = {};  ///< as it stands after the pass: a bias is added
};

/// Runs `pass` and returns what the modules gave, in the order of the pass. Sees linear layers,
/// convolutions, embeddings and norms. A module that is used twice is there twice.
std::vector<ModuleOutput> watch_modules(const torch::nn::Module& model,
                                        const std::function<void()>& pass);

}  // namespace zoo
