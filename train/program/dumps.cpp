#include "train/program/dumps.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// While alive, a module's parameters hold their gradients, divided by a number. So the mechanism
/// that names weights on disk names gradients as well.
class GradientsAsWeights {
 public:
  GradientsAsWeights(const torch::nn::Module& module, double divisor)
      : parameters_(module.parameters()) {
    for (auto& parameter : parameters_) {
      const auto gradient = parameter.grad();
      weights_.push_back(parameter.variable_data());
      parameter.set_data(gradient.defined() ? gradient / divisor : torch::zeros_like(parameter));
    }
  }
  /// In reverse, so that a tensor that two modules share ends with its weights.
  ~GradientsAsWeights() {
    for (size_t i = parameters_.size(); i-- > 0;) parameters_[i].set_data(weights_[i]);
  }
  GradientsAsWeights(const GradientsAsWeights&) = delete;
  GradientsAsWeights& operator=(const GradientsAsWeights&) = delete;

 private:
  std::vector<torch::Tensor> parameters_, weights_;
};

}  // namespace

std::function<void(torch::nn::Module&, double)> dump_gradients(NameMap names,
                                                               const fs::path& file) {
  return [names = std::move(names), file](torch::nn::Module& module, double divisor) {
    const torch::NoGradGuard no_grad;
    const GradientsAsWeights gradients(module, divisor);
    write_safetensors(file, export_named(module, names));
  };
}

std::function<void(const NamedTensors&)> dump_batches(const fs::path& folder) {
  if (fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw std::runtime_error(
        fmt::format("--dump-batches: '{}' is there already and holds something; name a new folder",
                    folder.string()));
  }
  fs::create_directories(folder);
  return [folder, n = 0](const NamedTensors& batch) mutable {
    write_safetensors(folder / fmt::format("batch-{:06}.safetensors", ++n), batch);
  };
}

}  // namespace zoo
