// GradientSum on c10d::Reducer.
#pragma once
#include <memory>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "train/loop/processes.h"
#include "train/processes/traffic.h"
#include "train/processes/watch.h"

namespace zoo {

/// The sum of gradients that is bit-identical in all processes. `bf16`: gradients travel as
/// bfloat16; a sum then has 8 bits.
std::unique_ptr<GradientSum> make_c10d_gradient_sum(
    const std::vector<torch::Tensor>& parameters,
    const c10::intrusive_ptr<c10d::ProcessGroup>& group, const std::shared_ptr<Watch>& watch,
    const std::shared_ptr<TrafficMeter>& traffic, bool bf16);

}  // namespace zoo
