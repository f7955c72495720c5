// The restrictions and biases of AttendArgs as dense tensors, for kernels that need them so, and
// for drawing.
#pragma once
#include <torch/types.h>

#include "models/attention/attend.h"

namespace zoo {

/// True if every query may see every key.
bool is_unrestricted(const AttendArgs& args, int64_t T);

/// Bool, broadcasts to [B, H, T, S], true: may attend; undefined where nothing is restricted.
torch::Tensor dense_mask(const AttendArgs& args, int64_t T, int64_t S, torch::Device device);

/// `bias` and `relative_bias` as one tensor that broadcasts to [B, H, T, S]; undefined where there
/// is neither.
torch::Tensor dense_bias(const AttendArgs& args, int64_t T, int64_t S);

/// The entry of relative_bias of each query and key: [B or 1, T, S] int64.
torch::Tensor relative_entries(const AttendArgs& args, int64_t T, int64_t S, torch::Device device);

}  // namespace zoo
