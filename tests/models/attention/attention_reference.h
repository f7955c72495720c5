// Attention in plain loops and float64, forward and backward, with which every kernel is compared.
// It shares no code with the kernels but the dropout mask.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/attention/attend.h"

namespace zoo::testing {

inline torch::Tensor ids(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kLong);
}

/// One call of attend, and the gradient of its output.
struct AttendCase {
  torch::Tensor q, k, v;   // [B, H, T, Dh], [B, Hkv, S, Dh] twice
  torch::Tensor upstream;  // [B, H, T, Dh]
  AttendArgs args;         // with dropout: dropout_seed is set
};

struct AttendResult {
  torch::Tensor y;           // [B, H, T, Dh]
  torch::Tensor dq, dk, dv;  // as q, k and v
  torch::Tensor weights;     // [B, H, T, S], before dropout; the reference only
  torch::Tensor dscores;     // [B, H, T, S]: gradient of the sum of biases; the reference only
  torch::Tensor drelative;   // as relative_bias; undefined where there is none, or no gradient
};

/// Normal q, k, v and upstream from torch's default generator.
AttendCase random_case(int64_t B, int64_t H, int64_t Hkv, int64_t T, int64_t S, int64_t Dh,
                       AttendArgs args = {});
/// The same numbers in another type on another device. `args` stay where they are: attend moves
/// them.
AttendCase moved(AttendCase c, torch::Device device, torch::Dtype dtype);

AttendResult reference(const AttendCase& c);
/// attend with the kernel and, where it supports training, its gradients by autograd; zeros for an
/// input without one.
AttendResult run_kernel(const std::string& kernel, const AttendCase& c);
/// The same by torch's operators without attend: its rounding error is the yardstick.
AttendResult run_torch_alone(const AttendCase& c);

/// The kernel's refusal of the case, without gradients; empty where it supports it. A refusal must
/// name, in quotes, a kernel that does.
std::string refusal(const std::string& kernel, const AttendCase& c);
/// Whether it supports the case with gradients; if not, the same holds for its refusal.
bool trains(const std::string& kernel, const AttendCase& c);

/// Fails unless the kernel's output and gradients are as close to the reference as twice torch's
/// own rounding + 1e-6 (for 16-bit types: + one of their roundings; relative to the largest entry,
/// of gradients the largest of all three, where that is above 1). True if the kernel ran; false
/// if it refused the case.
bool expect_as_exact_as_torch(const std::string& kernel, const AttendCase& c);
/// The same for a kernel that is not in the list.
bool expect_as_exact_as_torch(const AttentionKernel& kernel, const AttendCase& c);

}  // namespace zoo::testing
