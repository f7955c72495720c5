// How evenly tokens are spread over experts: collected from outside, layer by layer, while a model
// runs.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/experts/expert_groups.h"
#include "models/experts/router.h"

namespace zoo {

/// What the router of one layer did, over all tokens that it saw. Vectors have an entry an expert.
struct ExpertLoad {
  int64_t tokens = 0;                    ///< padding is none
  std::vector<double> share = {};        ///< of all choices, those of the expert; they sum to 1
  std::vector<double> dropped = {};      ///< of the expert's choices, those it had no room for
  std::vector<double> probability = {};  ///< mean of the router's probabilities over tokens
  /// Mean over tokens of the entropy of their probabilities, in nats: 0 where the router is sure,
  /// ln E where it has no preference.
  double entropy = 0.0;
};

/// While one lives, layers of experts on this thread report to it; they do not change.
///
///   ExpertStatistics statistics;
///   model(x);
///   statistics.layers()[0].share;  // {0.31, 0.19, ...}
class ExpertStatistics {
 public:
  ExpertStatistics();
  ~ExpertStatistics();
  ExpertStatistics(const ExpertStatistics&) = delete;
  ExpertStatistics& operator=(const ExpertStatistics&) = delete;

  /// In the order in which the layers first ran. Waits for the device.
  std::vector<ExpertLoad> layers() const;
  /// For a line of metrics.jsonl, means over the layers: "expert_dropped", the share of choices
  /// without room; "expert_busiest", what the busiest expert gets, in even shares; and
  /// "router_entropy". Empty if no layer ran.
  std::map<std::string, double> means() const;

  /// While one lives, layers on this thread report to nobody: they run again what has been counted.
  class Pause {
   public:
    Pause();
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    ExpertStatistics* paused_;
  };

  /// This thread's newest; null if there is none.
  static ExpertStatistics* current();
  /// Adds up over processes that share a batch: `sum` replaces tensors by their sums.
  void sum_over(const std::function<void(const std::vector<torch::Tensor>&)>& sum);
  /// For a layer of experts, which any address of its own tells from others.
  void record(const void* layer, const Routing& routing, const ExpertGroups& groups);

 private:
  struct Sums {
    const void* layer = nullptr;
    torch::Tensor tokens = {}, choices = {};                   // [] double
    torch::Tensor wanted = {}, kept = {}, probabilities = {};  // [E] double
    torch::Tensor entropy = {};                                // [] double
  };
  ExpertStatistics* outer_;  // the one that is this thread's again afterwards
  std::vector<Sums> sums_;
};

}  // namespace zoo
