// What a layer's states tell: a linear classifier on each, judged on examples it did not see. Alain
// & Bengio 2016 (arXiv:1610.01644), §3; Tenney et al. 2019 (arXiv:1905.05950). With the control of
// Hewitt & Liang 2019 (arXiv:1909.03368), §2: the same probe on random labels.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace zoo {

/// N examples (texts, words or images) as each of a model's layers sees them.
struct ProbeExamples {
  std::vector<torch::Tensor> features = {};  ///< a layer each: [N, C] double
  torch::Tensor labels = {};                 ///< [N] int64: index into names
  /// [N] int64: examples that are the same to a control get the same random label: words of one
  /// spelling, texts that are equal.
  torch::Tensor identities = {};
  /// [N] int64: examples of a group (words of a sentence) are held out together, or not at all.
  torch::Tensor groups = {};
  std::vector<std::string> names = {};  ///< K of the labels
};

struct ProbeOptions {
  double held_out = 0.25;  ///< share of the groups, in (0, 1)
  double decay = 0.01;     ///< logistic_regression.h, on features of mean 0 and deviation 1
  uint64_t seed = 1;       ///< which groups are held out, and the control's labels
};

/// Shares of right answers, 0 to 1.
struct LayerProbe {
  double accuracy = 0;  ///< held out
  double fitted = 0;    ///< on the examples that the probe was fitted to
  /// Held out, with random labels for identities, drawn from the labels there are. What a probe
  /// reaches here it owes to having memorised identities, not to the layer. Where no identity comes
  /// twice, that is chance.
  double control = 0;
  double control_fitted = 0;  ///< how much of random labels the probe can memorise
  double selectivity() const { return accuracy - control; }
};

struct ProbeResult {
  std::vector<LayerProbe> layers = {};
  double majority = 0;               ///< held out: always the most frequent label of the others
  int64_t fitted = 0, held_out = 0;  ///< examples
};

/// Deterministic. Throws std::runtime_error with one line: fewer than two labels, fewer than 8
/// examples, a label without an example to fit to; std::invalid_argument for options out of range.
ProbeResult probe_layers(const ProbeExamples& examples, const ProbeOptions& options = {});

}  // namespace zoo
