// What a model really has and computes, for comparison with cost_of().
#pragma once
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/utils.h>

#include "models/cost/cost.h"
#include "tests/models/parameters.h"
#include "tests/support/flop_counter.h"

namespace zoo::testing {

/// The operations that torch executes in `pass`.
template <class Pass>
double counted_flops(torch::nn::Module& module, Pass pass) {
  module.eval();
  const torch::NoGradGuard no_grad;
  const FlopCounter counter;
  pass();
  return counter.flops();
}

/// Both are equal. `uncounted`: operations of the pass that the counter does not see.
template <class Pass>
void expect_cost(const ModelCost& cost, torch::nn::Module& module, Pass pass,
                 double uncounted = 0) {
  EXPECT_EQ(cost.parameters, static_cast<double>(parameter_count(module)));
  EXPECT_EQ(cost.forward_flops, counted_flops(module, pass) + uncounted);
}

/// tokens [1, length]
inline torch::Tensor some_tokens(int64_t length) {
  return torch::arange(length).unsqueeze(0).remainder(7);
}

}  // namespace zoo::testing
