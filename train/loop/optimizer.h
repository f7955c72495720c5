// AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2) on torch's fused kernel: one pass
// over the weights instead of a dozen. Two groups: weight decay applies to everything except biases
// and the gains of norms. Of several processes, each may keep a part of the state: ZeRO, stage 1
// (Rajbhandari et al. 2019, arXiv:1910.02054, section 5.1), by whole parameters.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "train/loop/processes.h"

namespace zoo {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
};

/// Whether weight decay applies to a parameter: not to biases (including relative position biases,
/// a table in T5) nor to the gains of norms, which are vectors called "weight"; it does to layer
/// scale. So far as in `transformers`' Trainer. It also excludes a temperature, the only scalar,
/// which the Trainer would decay towards 1 (Radford et al. 2021, §2.5: all weights but gains and
/// biases).
bool decays(std::string_view name, const torch::Tensor& parameter);

class AdamW {
 public:
  /// Takes every parameter of the module that requires a gradient. With `shards`, each of these
  /// processes updates its share of them, and sends it to the others: the state takes 8 bytes a
  /// parameter divided by their number.
  AdamW(const torch::nn::Module& module, const AdamWOptions& options, Processes* shards = nullptr);
  /// One update at this learning rate from the gradients, divided by `divisor`. Skips parameters
  /// without a gradient. In all processes at once.
  void step(double learning_rate, double divisor = 1.0);
  void zero_gradients();
  /// The parameters that it updates.
  std::vector<torch::Tensor> parameters() const;
  /// Gradients that exist, in the order of the parameters.
  std::vector<torch::Tensor> gradients() const;
  /// L2 norm of all gradients together.
  double gradient_norm() const;
  /// "exp_avg.NAME", "exp_avg_sq.NAME", "step.NAME"; of parameters that others update, tensors of
  /// the right shape.
  std::map<std::string, torch::Tensor> state() const;
  /// The same with everybody's values, in the first process; in all processes at once.
  std::map<std::string, torch::Tensor> whole_state() const;
  /// Bytes of the state in this process.
  int64_t state_bytes() const;
  /// Throws std::runtime_error if a tensor is missing or has another shape.
  void restore(const std::map<std::string, torch::Tensor>& state);

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter = {}, exp_avg = {}, exp_avg_sq = {}, step = {};
    bool decays = false;
    int64_t owner = 0;  // process that updates it
  };
  bool owns(const Slot& slot) const { return shards_ == nullptr || slot.owner == shards_->rank(); }
  void share_out();
  void step_group(bool decays, double learning_rate, const torch::Tensor& divisor);
  std::vector<Slot> slots_;
  AdamWOptions options_;
  Processes* shards_ = nullptr;  // null: the whole state is here
};

}  // namespace zoo
