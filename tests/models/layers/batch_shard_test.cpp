// What a shard of a batch computes against the rows of the whole batch.
#include "models/layers/batch_shard.h"

#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <functional>
#include <vector>

#include "models/attention/attend.h"
#include "models/attention/head_regularisation.h"
#include "models/experts/mixture_of_experts.h"
#include "models/experts/routing_losses.h"
#include "models/layers/drop_path.h"
#include "models/layers/dropout.h"

namespace zoo::testing {
namespace {

constexpr int64_t kRows = 7;

torch::Tensor generator_state() {
  return at::globalContext().defaultGenerator(torch::kCPU).get_state();
}

/// The function of the whole batch x [kRows, ...] against that of its parts in 1, 2, 3 and 9
/// processes, of which some have no row. Each begins with the same generator.
void expect_same_by_rows(const torch::Tensor& x,
                         const std::function<torch::Tensor(const torch::Tensor&)>& function) {
  torch::manual_seed(3);
  const auto whole = function(x);
  const auto after = generator_state();
  for (const int64_t size : {1, 2, 3, 9}) {
    std::vector<torch::Tensor> parts;
    for (int64_t rank = 0; rank < size; ++rank) {
      torch::manual_seed(3);
      const BatchShard shard = shard_of(x.size(0), rank, size);
      const BatchShardGuard guard(shard);
      parts.push_back(function(rows_of(shard, x)));
      EXPECT_TRUE(generator_state().equal(after)) << rank << " of " << size;
    }
    EXPECT_TRUE(torch::allclose(torch::cat(parts), whole, 1e-6, 1e-6)) << size << " processes";
  }
}

TEST(BatchShardTest, PartsFollowOneAnotherAndAreAboutEqual) {
  for (const int64_t total : {0, 1, 5, 64}) {
    for (const int64_t size : {1, 2, 3, 7}) {
      int64_t next = 0;
      for (int64_t rank = 0; rank < size; ++rank) {
        const BatchShard shard = shard_of(total, rank, size);
        EXPECT_EQ(shard.first, next);
        EXPECT_LE(std::abs(shard.rows * size - total), size);
        next += shard.rows;
      }
      EXPECT_EQ(next, total);
    }
  }
}

TEST(BatchShardTest, GuardsNest) {
  EXPECT_EQ(BatchShardGuard::current(), nullptr);
  const BatchShardGuard outer(shard_of(8, 1, 2));
  {
    const BatchShardGuard inner(shard_of(3, 0, 3));
    EXPECT_EQ(BatchShardGuard::current()->total, 3);
    const WholeBatchGuard whole;
    EXPECT_EQ(BatchShardGuard::current(), nullptr);
  }
  EXPECT_EQ(BatchShardGuard::current()->first, 4);
}

TEST(BatchShardTest, ARowIsDroppedFromAsInTheWholeBatch) {
  const auto x = torch::rand({kRows, 3, 5}) + 1.0;
  for (const double p : {0.0, 0.3, 1.0}) {
    expect_same_by_rows(x, [&](const torch::Tensor& rows) { return Dropout(p)->forward(rows); });
  }
  expect_same_by_rows(x, [](const torch::Tensor& rows) { return drop_path(rows, 0.4); });
  expect_same_by_rows(x, [](const torch::Tensor& rows) {
    return draw_head_gate(rows.size(0), 4, 0.4, torch::kCPU);
  });
}

TEST(BatchShardTest, DropoutIsTorchsInAWholeBatch) {
  const auto x = torch::rand({4, 5});
  torch::manual_seed(1);
  const auto wanted = torch::dropout(x, 0.5, /*train=*/true);
  torch::manual_seed(1);
  EXPECT_TRUE(Dropout(0.5)->forward(x).equal(wanted));
  Dropout evaluated(0.5);
  evaluated->eval();
  EXPECT_TRUE(evaluated(x).equal(x));
}

TEST(BatchShardTest, AnAttentionWeightIsDroppedAsInTheWholeBatch) {
  const auto x = torch::randn({kRows, 3, 9, 8});  // [B, H, T, Dh]
  for (const char* const kernel : {"loops", "matmul", "online", "blocked", "flash", "torch"}) {
    SCOPED_TRACE(kernel);
    expect_same_by_rows(x, [&](const torch::Tensor& rows) {
      return attend(kernel, rows, rows, rows, {.causal = true, .dropout = 0.4});
    });
  }
}

class ShardedExpertsTest : public ::testing::Test {
 protected:
  /// x [B, T, C] through experts that some tokens find full, in `size` processes.
  static void expect_same(const MixtureOfExpertsOptions& options, int64_t size) {
    torch::manual_seed(5);
    MixtureOfExperts experts(options);
    const auto x = torch::randn({5, 4, options.expert.d_model});
    torch::manual_seed(6);
    const auto whole = experts(x);
    const auto routing = route(experts->router(x.flatten(0, 1)), options.experts_per_token,
                               options.score, options.renormalise);
    std::vector<torch::Tensor> parts;
    for (int64_t rank = 0; rank < size; ++rank) {
      torch::manual_seed(6);
      BatchShard shard = shard_of(x.size(0), rank, size);
      shard.gather = [&](const torch::Tensor& rows) {
        if (rows.dim() == 2) return routing.chosen;  // every token's experts
        std::vector<int64_t> tokens;
        for (int64_t r = 0; r < size; ++r) tokens.push_back(shard_of(x.size(0), r, size).rows * 4);
        return torch::tensor(tokens, torch::kLong);
      };
      const BatchShardGuard guard(shard);
      parts.push_back(experts(rows_of(shard, x)));
    }
    EXPECT_TRUE(torch::allclose(torch::cat(parts), whole, 1e-5, 1e-6)) << size << " processes";
  }
  MixtureOfExpertsOptions options_ = {.expert = {.d_model = 6, .width = 8}, .experts = 3};
};

TEST_F(ShardedExpertsTest, AnExpertIsFullWhereItIsInTheWholeBatch) {
  for (const double capacity : {0.0, 0.5, 1.0}) {
    options_.capacity = capacity;
    for (const int64_t size : {1, 2, 3, 8}) expect_same(options_, size);
  }
}

TEST_F(ShardedExpertsTest, AnExpertDropsFromATokenAsInTheWholeBatch) {
  options_.expert.dropout = 0.3;
  options_.capacity = 1.0;
  options_.shared_experts = 1;
  for (const int64_t size : {1, 2, 3, 8}) expect_same(options_, size);
}

}  // namespace
}  // namespace zoo::testing
