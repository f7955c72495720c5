// The position-wise feed-forward network: Vaswani et al. 2017, §3.3 (ReLU); GELU: Hendrycks &
// Gimpel 2016 (arXiv:1606.08415), SiLU and the quick form x sigmoid(1.702 x) in its §2; SwiGLU:
// Shazeer 2020 (arXiv:2002.05202).
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "app/named_enum.h"

namespace zoo {

enum class Activation { kRelu, kGelu, kGeluTanh, kQuickGelu, kSilu, kSwiglu };
template <>
struct EnumNames<Activation> {
  static constexpr std::string_view what = "activation";
  static constexpr std::pair<Activation, std::string_view> values[] = {
      {Activation::kRelu, "relu"},          {Activation::kGelu, "gelu"},
      {Activation::kGeluTanh, "gelu-tanh"}, {Activation::kQuickGelu, "quick-gelu"},
      {Activation::kSilu, "silu"},          {Activation::kSwiglu, "swiglu"}};
};

struct FeedForwardOptions {
  int64_t d_model = 0;  ///< C
  int64_t width = 0;    ///< F
  Activation activation = Activation::kGelu;
  bool bias = true;
  double dropout = 0.0;  ///< on the hidden layer, after the activation
};

/// x sigmoid(1.702 x): GELU as CLIP has it.
torch::Tensor quick_gelu(const torch::Tensor& x);

/// x [B, T, C] -> [B, T, C]
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(const FeedForwardOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  FeedForwardOptions options;
  torch::nn::Linear in_proj{
      nullptr};  // [F, C]; SwiGLU: [2F, C], rows of the gate, then of the values
  torch::nn::Linear out_proj{nullptr};  // [C, F]

 private:
  torch::Tensor activate(const torch::Tensor& h) const;
};
TORCH_MODULE(FeedForward);

}  // namespace zoo
