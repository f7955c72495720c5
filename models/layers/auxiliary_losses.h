// Losses that layers add to the objective while they train, beside the model's own: a penalty on
// heads that agree, or what balances experts.
#pragma once
#include <torch/types.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace zoo {

/// While one lives, layers that train on this thread add their auxiliary losses.
///
///   AuxiliaryLosses auxiliary;
///   loss_of(model(x)).backward();  // the gradient of the loss + weight * auxiliary loss
///   auxiliary.means();             // {"head_similarity", 0.31}
///
/// They are not summed up: each is tied to the output of its layer (with_auxiliary_loss()), and any
/// backward pass through that output differentiates it too. So a step may make any number of
/// forward and backward passes, in any order.
class AuxiliaryLosses {
 public:
  explicit AuxiliaryLosses(torch::Device device = torch::kCPU);
  ~AuxiliaryLosses();
  AuxiliaryLosses(const AuxiliaryLosses&) = delete;
  AuxiliaryLosses& operator=(const AuxiliaryLosses&) = delete;

  /// From here on, a backward pass counts each weighted loss `times` [] times; 1 at first. For a
  /// trainer that multiplies its own loss, by the number of tokens or against underflow.
  void count(const torch::Tensor& times);
  /// By name, not weighted: the means over layers and forward passes. Waits for the device. Where
  /// processes share a batch, `sum` adds up over them, and all have the same names.
  using Sum = std::function<std::vector<double>(const std::vector<double>& values)>;
  std::map<std::string, double> means(const Sum& sum = {}) const;

  /// This thread's newest; null if there is none.
  static AuxiliaryLosses* current();

 private:
  friend class AuxiliaryShare;
  friend class AuxiliaryRerun;
  friend torch::Tensor with_auxiliary_loss(const torch::Tensor&, const std::string&, double,
                                           const std::function<torch::Tensor()>&);
  void record(const std::string& name, const torch::Tensor& value);

  AuxiliaryLosses* outer_;  // the one that is this thread's again afterwards
  torch::Tensor times_;     // [], shared with the graphs
  double share_ = 1.0;
  std::map<std::string, std::pair<torch::Tensor, double>> sums_;  // of shares of values; of shares
};

/// While one lives, forward passes on this thread take `share` of a batch that is cut into parts.
/// Shares within shares multiply.
class AuxiliaryShare {
 public:
  explicit AuxiliaryShare(double share);
  ~AuxiliaryShare();
  AuxiliaryShare(const AuxiliaryShare&) = delete;
  AuxiliaryShare& operator=(const AuxiliaryShare&) = delete;

 private:
  AuxiliaryLosses* of_;
  double before_ = 1.0;
};

/// For a computation that backward runs again instead of keeping its tensors. The first run,
/// without gradients, counts the values; the second has the gradients, as they would have been in
/// the first.
///
///   AuxiliaryRerun losses;                           // of the forward pass
///   { AuxiliaryRerun::First run; f(x); }             // without gradients
///   { AuxiliaryRerun::Second run(losses); f(x); }    // in the backward pass
class AuxiliaryRerun {
 public:
  AuxiliaryRerun();
  class First {
   public:
    First();
    ~First();
    First(const First&) = delete;
    First& operator=(const First&) = delete;

   private:
    bool before_;
  };
  class Second {
   public:
    explicit Second(const AuxiliaryRerun& losses);
    ~Second();
    Second(const Second&) = delete;
    Second& operator=(const Second&) = delete;

   private:
    const AuxiliaryRerun* before_;
  };

 private:
  friend torch::Tensor with_auxiliary_loss(const torch::Tensor&, const std::string&, double,
                                           const std::function<torch::Tensor()>&);
  torch::Tensor times_;  // undefined: nobody takes losses
  double share_ = 1.0;
};

/// Returns y, an output of the calling layer, and adds weight * loss() [], a mean over the batch
/// (in a shard: its part of that mean, see sum_over_shards()), to the objective. Without an
/// AuxiliaryLosses on this thread, or without gradients, loss() is not called.
torch::Tensor with_auxiliary_loss(const torch::Tensor& y, const std::string& name, double weight,
                                  const std::function<torch::Tensor()>& loss);

}  // namespace zoo
