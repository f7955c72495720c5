// Averages of weights over time, which reduce the noise of a run.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace zoo {

/// Exponential moving average: average <- decay * average + (1 - decay) * weights, after each
/// update (Polyak & Juditsky 1992; as used by Vaswani's successors and most image models).
class WeightAverage {
 public:
  WeightAverage(torch::nn::Module& module, double decay);
  bool enabled() const { return decay_ > 0.0; }
  void update();
  /// Swaps weights and average; a second call swaps them back.
  void swap();
  std::map<std::string, torch::Tensor> state()
      const;  ///< by parameter name; empty when not enabled
  void restore(const std::map<std::string, torch::Tensor>& state);

 private:
  double decay_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> weights_, average_;
};

/// While alive, the module holds the average.
class AveragedWeights {
 public:
  explicit AveragedWeights(WeightAverage& average) : average_(average) { average_.swap(); }
  ~AveragedWeights() { average_.swap(); }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  WeightAverage& average_;
};

/// The plain mean of several sets of weights (Vaswani et al. 2017, §6.1 averaged the last
/// checkpoints of each run), summed in double precision.
class MeanOfWeights {
 public:
  void add(const torch::nn::Module& module);
  void copy_to(torch::nn::Module& module) const;

 private:
  std::vector<torch::Tensor> sums_;
  int64_t count_ = 0;
};

}  // namespace zoo
