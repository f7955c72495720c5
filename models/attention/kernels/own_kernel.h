// Kernels from a library of one's own, by a name that begins with "my_": an exercise's solution in
// any program, --attention my_flash.
#pragma once
#include <string>
#include <string_view>

#include "models/attention/attend.h"

namespace zoo {

/// What the library exports as "attend": q [B, H, T, Dh], k and v [B, H, S, Dh], may_attend bool
/// [B, H, T, S] -> [B, H, T, Dh], with a graph for autograd. Kv heads are repeated before.
using OwnAttend = torch::Tensor(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v, const torch::Tensor& may_attend,
                                double scale);

bool is_own_kernel(std::string_view name);

/// Loads NAME.so from the folder that ZOO_KERNELS names, else from the folder `own` beside the
/// folder of the program, once. Throws std::runtime_error, in one line, where it is not there.
const AttentionKernel& own_kernel(std::string_view name);

}  // namespace zoo
