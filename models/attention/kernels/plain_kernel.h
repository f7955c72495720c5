// What the rungs in plain C++ share: the way from tensors to pointers, and their place in autograd.
#pragma once
#include <string>

#include "models/attention/attend.h"
#include "models/attention/kernels/plain_call.h"

namespace zoo {

/// A kernel on pointers, of the CPU or of a GPU. It computes in float32, or in float64 where it
/// can; bfloat16 and float16 are converted there and back. One that computes in these has float32
/// converted to bfloat16 and back.
class PlainKernel : public AttentionKernel {
 public:
  std::string refuses(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                      const AttendArgs& args) const override;
  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const final;

  struct Abilities {
    bool backward = false, float64 = false, weights = false;
    bool halves = false;  ///< it reads and writes bfloat16 and float16, and nothing else
    c10::DeviceType device = c10::DeviceType::CPU;
    int64_t widest = 0;  ///< head; 0: any
  };
  virtual Abilities abilities() const = 0;
  // Called for what abilities() promises, and for nothing else: a kernel overrides those.
  virtual void forward(const PlainCall<float>&, const PlainResult<float>&) const { missing(); }
  virtual void forward(const PlainCall<double>&, const PlainResult<double>&) const { missing(); }
  virtual void backward(const PlainCall<float>&, const PlainGradients<float>&) const { missing(); }
  virtual void backward(const PlainCall<double>&, const PlainGradients<double>&) const {
    missing();
  }
  virtual void forward(const PlainCall<float, BFloat16Bits>&,
                       const PlainResult<float, BFloat16Bits>&) const {
    missing();
  }
  virtual void backward(const PlainCall<float, BFloat16Bits>&,
                        const PlainGradients<float, BFloat16Bits>&) const {
    missing();
  }
  virtual void forward(const PlainCall<float, Float16Bits>&,
                       const PlainResult<float, Float16Bits>&) const {
    missing();
  }
  virtual void backward(const PlainCall<float, Float16Bits>&,
                        const PlainGradients<float, Float16Bits>&) const {
    missing();
  }

 private:
  [[noreturn]] void missing() const;
};

}  // namespace zoo
