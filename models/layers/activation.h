// Activation functions of feed-forward networks. GELU: Hendrycks & Gimpel 2016 (arXiv:1606.08415),
// whose §2 also has SiLU and the quick form x sigmoid(1.702 x). SwiGLU: Shazeer 2020
// (arXiv:2002.05202), which combines two numbers, a gate and a value.
#pragma once
#include "base/named_enum.h"

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

}  // namespace zoo
