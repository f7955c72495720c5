// Base class of the kernels that work on pointers: conversion from tensors, and autograd.
#pragma once
#include <string>

#include "models/attention/attend.h"
#include "models/attention/kernels/kernel_args.h"

namespace zoo {

/// A kernel on pointers, of the CPU or of a GPU. It computes in float32, and in float64 where it
/// can; bfloat16 and float16 are converted to float32 and back. A kernel that computes in 16 bits
/// has float32 converted to bfloat16 and back.
class PointerKernel : public AttentionKernel {
 public:
  std::string refuses(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                      const AttendArgs& args) const override;
  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const final;

  struct Abilities {
    bool backward = false, float64 = false, weights = false;
    bool relative_bias_backward = false;  ///< computes the gradient of relative_bias
    bool score_cap = false;
    bool segments = false;  ///< takes global_tokens and block_layout
    bool halves = false;    ///< takes bfloat16 and float16 only
    c10::DeviceType device = c10::DeviceType::CPU;
    int64_t max_head_width = 0;  ///< 0: any
  };
  virtual Abilities abilities() const = 0;
  // A kernel overrides the overloads that its abilities() promise; no others are called.
  virtual void forward(const KernelArgs<float>&, const KernelOutputs<float>&) const { missing(); }
  virtual void forward(const KernelArgs<double>&, const KernelOutputs<double>&) const { missing(); }
  virtual void backward(const KernelArgs<float>&, const KernelGradients<float>&) const {
    missing();
  }
  virtual void backward(const KernelArgs<double>&, const KernelGradients<double>&) const {
    missing();
  }
  virtual void forward(const KernelArgs<float, BFloat16Bits>&,
                       const KernelOutputs<float, BFloat16Bits>&) const {
    missing();
  }
  virtual void backward(const KernelArgs<float, BFloat16Bits>&,
                        const KernelGradients<float, BFloat16Bits>&) const {
    missing();
  }
  virtual void forward(const KernelArgs<float, Float16Bits>&,
                       const KernelOutputs<float, Float16Bits>&) const {
    missing();
  }
  virtual void backward(const KernelArgs<float, Float16Bits>&,
                        const KernelGradients<float, Float16Bits>&) const {
    missing();
  }

 private:
  [[noreturn]] void missing() const;
};

}  // namespace zoo
