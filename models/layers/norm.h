// Normalisation: layer norm (Ba et al. 2016, arXiv:1607.06450) and RMS norm (Zhang & Sennrich 2019,
// arXiv:1910.07467).
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "base/named_enum.h"

namespace zoo {

enum class NormKind { kLayer, kRms };
template <>
struct EnumNames<NormKind> {
  static constexpr std::string_view what = "norm";
  static constexpr std::pair<NormKind, std::string_view> values[] = {{NormKind::kLayer, "layer"},
                                                                     {NormKind::kRms, "rms"}};
};

struct NormOptions {
  NormKind kind = NormKind::kLayer;
  double epsilon = 1e-5;
  bool bias = true;  ///< layer norm's shift; RMS norm has none
};

/// x [..., C] -> [..., C]
class NormImpl : public torch::nn::Module {
 public:
  NormImpl(int64_t d_model, const NormOptions& options = {});
  torch::Tensor forward(const torch::Tensor& x);
  NormOptions options;
  torch::Tensor weight;  // [C]
  torch::Tensor bias;    // [C]; undefined without a bias
};
TORCH_MODULE(Norm);

}  // namespace zoo
