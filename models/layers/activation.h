// Activation functions of feed-forward networks. GELU: Hendrycks & Gimpel 2016 (arXiv:1606.08415),
// whose §2 also has SiLU and the quick form x sigmoid(1.702 x). Gated ones: Shazeer 2020
// (arXiv:2002.05202), Eq. 5, where two numbers, a gate and a value, become f(gate) times value.
#pragma once
#include "base/named_enum.h"

namespace zoo {

enum class Activation {
  kRelu,
  kGelu,
  kGeluTanh,
  kQuickGelu,
  kSilu,
  kSwiglu,
  kGeglu,
  kGegluTanh,
  kReglu
};
template <>
struct EnumNames<Activation> {
  static constexpr std::string_view what = "activation";
  static constexpr std::pair<Activation, std::string_view> values[] = {
      {Activation::kRelu, "relu"},          {Activation::kGelu, "gelu"},
      {Activation::kGeluTanh, "gelu-tanh"}, {Activation::kQuickGelu, "quick-gelu"},
      {Activation::kSilu, "silu"},          {Activation::kSwiglu, "swiglu"},
      {Activation::kGeglu, "geglu"},        {Activation::kGegluTanh, "geglu-tanh"},
      {Activation::kReglu, "reglu"}};
};

/// What a gate passes through; of an activation without a gate, itself.
constexpr Activation gate_of(Activation activation) {
  switch (activation) {
    case Activation::kSwiglu:
      return Activation::kSilu;
    case Activation::kGeglu:
      return Activation::kGelu;
    case Activation::kGegluTanh:
      return Activation::kGeluTanh;
    case Activation::kReglu:
      return Activation::kRelu;
    default:
      return activation;
  }
}

/// Whether it halves the width: of 2 F numbers, F gates and F values.
constexpr bool is_gated(Activation activation) { return gate_of(activation) != activation; }

}  // namespace zoo
