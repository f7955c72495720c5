// The cache of keys and values: what goes in comes out, at its place, without copying the rest.
#include "models/attention/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

torch::Tensor ids(std::vector<int64_t> values) { return torch::tensor(values, torch::kLong); }

class KvCacheTest : public ::testing::Test {
 protected:
  /// [3, 2, T, 4]: every entry tells its place, 1000 b + 100 h + t + 0.1 i, and the call.
  static torch::Tensor tokens(int64_t T, double call) {
    const auto place = [](int64_t n, int64_t dim, double step) {
      std::vector<int64_t> shape(4, 1);
      shape[static_cast<size_t>(dim)] = n;
      return torch::arange(n).to(torch::kFloat).view(shape) * step;
    };
    return place(3, 0, 1000) + place(2, 1, 100) + place(T, 2, 1) + place(4, 3, 0.1) + call;
  }
  KvCache cache{3, 2, /*capacity=*/8, 4, torch::kFloat};
};

TEST_F(KvCacheTest, AppendsAfterWhatItHolds) {
  cache.append(tokens(3, 0), tokens(3, 0.5));
  cache.append(tokens(1, 20), tokens(1, 20.5));
  const auto [k, v] = cache.append(tokens(2, 40), tokens(2, 40.5));
  EXPECT_TRUE(torch::equal(k, torch::cat({tokens(3, 0), tokens(1, 20), tokens(2, 40)}, 2)));
  EXPECT_TRUE(torch::equal(v, torch::cat({tokens(3, 0.5), tokens(1, 20.5), tokens(2, 40.5)}, 2)));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({6, 6, 6})));
  EXPECT_EQ(cache.longest(), 6);
  EXPECT_TRUE(cache.uniform());
}

TEST_F(KvCacheTest, AStepCopiesNothingButItsOwnTokens) {
  const auto first = cache.append(tokens(3, 0), tokens(3, 0)).first;
  const auto second = cache.append(tokens(1, 20), tokens(1, 20)).first;
  EXPECT_EQ(first.data_ptr(), second.data_ptr());
}

TEST_F(KvCacheTest, RowsMayBringDifferentNumbersOfTokens) {
  cache.append(tokens(3, 0), tokens(3, 0.5), ids({3, 1, 2}));
  EXPECT_FALSE(cache.uniform());
  const auto [k, v] = cache.append(tokens(2, 20), tokens(2, 20.5));
  EXPECT_EQ(k.size(2), 5);
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({5, 3, 4})));
  const std::vector<int64_t> before{3, 1, 2};
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t n = before[static_cast<size_t>(b)];
    const auto wanted = torch::cat({tokens(3, 0)[b].narrow(1, 0, n), tokens(2, 20)[b]}, 1);
    EXPECT_TRUE(torch::equal(k[b].narrow(1, 0, n + 2), wanted)) << b;
    EXPECT_TRUE(torch::equal(v[b].narrow(1, 0, n + 2), wanted + 0.5)) << b;
  }
}

TEST_F(KvCacheTest, RowsThatBecomeEquallyLongAreUniformAgain) {
  cache.append(tokens(3, 0), tokens(3, 0), ids({3, 1, 2}));
  cache.append(tokens(2, 20), tokens(2, 20), ids({0, 2, 1}));
  EXPECT_TRUE(cache.uniform());
  const auto k = cache.append(tokens(1, 40), tokens(1, 40)).first;
  EXPECT_TRUE(torch::equal(k.select(2, 3), tokens(1, 40).select(2, 0)));
}

TEST_F(KvCacheTest, ReorderCopiesRows) {
  cache.append(tokens(3, 0), tokens(3, 0.5), ids({3, 1, 2}));
  cache.reorder(ids({2, 2, 0, 1}));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({2, 2, 3, 1})));
  const auto fresh = tokens(1, 20).index_select(0, ids({0, 1, 2, 0}));
  const auto k = cache.append(fresh, fresh).first;
  EXPECT_TRUE(torch::equal(k[0].narrow(1, 0, 2), tokens(3, 0)[2].narrow(1, 0, 2)));
  EXPECT_TRUE(torch::equal(k[2].narrow(1, 0, 3), tokens(3, 0)[0]));
  // The two copies of row 2 go separate ways.
  EXPECT_TRUE(torch::equal(k[0].select(1, 2), fresh[0].select(1, 0)));
  EXPECT_TRUE(torch::equal(k[1].select(1, 2), fresh[1].select(1, 0)));
}

TEST_F(KvCacheTest, ReorderLeavesRoomForTheWholeCapacity) {
  cache.append(tokens(3, 0), tokens(3, 0));
  cache.reorder(ids({1}));
  EXPECT_EQ(cache.capacity(), 8);
  const auto k = cache.append(tokens(5, 20).narrow(0, 0, 1), tokens(5, 20).narrow(0, 0, 1)).first;
  EXPECT_EQ(k.size(2), 8);
}

TEST_F(KvCacheTest, TruncateForgetsTheEnd) {
  cache.append(tokens(4, 0), tokens(4, 0));
  auto lengths = ids({4, 2, 1});
  cache.truncate(lengths);
  lengths.fill_(0);  // the cache keeps a copy
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({4, 2, 1})));
  EXPECT_FALSE(cache.uniform());
  const auto k = cache.append(tokens(1, 20), tokens(1, 20)).first;
  EXPECT_TRUE(torch::equal(k[2].select(1, 0), tokens(4, 0)[2].select(1, 0)));
  EXPECT_TRUE(torch::equal(k[2].select(1, 1), tokens(1, 20)[2].select(1, 0)));
  cache.truncate(ids({0, 0, 0}));
  EXPECT_EQ(cache.longest(), 0);
  EXPECT_TRUE(cache.uniform());
}

TEST_F(KvCacheTest, SaysWhenItIsFull) {
  cache.append(tokens(6, 0), tokens(6, 0), ids({6, 2, 1}));
  EXPECT_THAT(torch_error_of([&] { cache.append(tokens(3, 0), tokens(3, 0)); }),
              HasSubstr("KvCache: 9 tokens do not fit its capacity of 8"));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({6, 2, 1})));
  cache.append(tokens(3, 0), tokens(3, 0), ids({2, 3, 3}));
  EXPECT_EQ(cache.longest(), 8);
}

TEST_F(KvCacheTest, RefusesWhatDoesNotFit) {
  const auto one_row = tokens(2, 0).narrow(0, 0, 1);
  EXPECT_THAT(torch_error_of([&] { cache.append(one_row, one_row); }),
              HasSubstr("KvCache: k and v must be [3, 2, tokens, 4], got [1, 2, 2, 4]"));
  EXPECT_THAT(torch_error_of([&] {
                cache.append(tokens(2, 0), tokens(2, 0), ids({2, 3, 0}));
              }),
              HasSubstr("KvCache: counts must be int64 [3], each between 0 and the 2 tokens"));
  EXPECT_THAT(torch_error_of([&] {
                cache.truncate(ids({0, 0, 1}));
              }),
              HasSubstr("KvCache: truncate must not lengthen a row"));
}

}  // namespace
}  // namespace zoo
