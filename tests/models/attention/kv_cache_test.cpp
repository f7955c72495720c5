// The cache of keys and values: what goes in comes out, in its position, without copying the rest.
#include "models/attention/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/models/attention/attention_reference.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::ids;
using testing::torch_error_of;

class KvCacheTest : public ::testing::Test {
 protected:
  /// [3, 2, T, 4]: every entry tells its position, 1000 b + 100 h + t + 0.1 i, and the call.
  static torch::Tensor tokens(int64_t T, double call) {
    const auto along = [](int64_t n, int64_t dim, double step) {
      std::vector<int64_t> shape(4, 1);
      shape[static_cast<size_t>(dim)] = n;
      return torch::arange(n).to(torch::kDouble).view(shape) * step;
    };
    return along(3, 0, 1000) + along(2, 1, 100) + along(T, 2, 1) + along(4, 3, 0.1) + call;
  }
  /// One pass through both layers: the second holds what the first does, and 1e6.
  std::pair<torch::Tensor, torch::Tensor> append(const torch::Tensor& k, const torch::Tensor& v,
                                                 const torch::Tensor& counts = {}) {
    const KvPass pass = cache.begin(k.size(2), counts);
    const auto first = KvLayer(cache, pass, 0).append(k, v);
    const auto second = KvLayer(cache, pass, 1).append(k + 1e6, v + 1e6);
    cache.commit(pass);
    for (int64_t b = 0; b < cache.batch(); ++b) {
      const int64_t n = cache.lengths()[b].item<int64_t>();
      EXPECT_TRUE(
          torch::equal(second.first[b].narrow(1, 0, n), first.first[b].narrow(1, 0, n) + 1e6));
      EXPECT_TRUE(
          torch::equal(second.second[b].narrow(1, 0, n), first.second[b].narrow(1, 0, n) + 1e6));
    }
    return first;
  }
  KvCache cache{3, /*capacity=*/8, {{.kv_heads = 2, .head_width = 4}, {2, 4}}, torch::kDouble};
};

TEST_F(KvCacheTest, AppendsAfterWhatItHolds) {
  append(tokens(3, 0), tokens(3, 0.5));
  append(tokens(1, 20), tokens(1, 20.5));
  const auto [k, v] = append(tokens(2, 40), tokens(2, 40.5));
  EXPECT_TRUE(torch::equal(k, torch::cat({tokens(3, 0), tokens(1, 20), tokens(2, 40)}, 2)));
  EXPECT_TRUE(torch::equal(v, torch::cat({tokens(3, 0.5), tokens(1, 20.5), tokens(2, 40.5)}, 2)));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({6, 6, 6})));
  EXPECT_EQ(cache.longest(), 6);
  EXPECT_TRUE(cache.uniform());
}

TEST_F(KvCacheTest, AStepCopiesNothingButItsOwnTokens) {
  const auto first = append(tokens(3, 0), tokens(3, 0)).first;
  const auto second = append(tokens(1, 20), tokens(1, 20)).first;
  EXPECT_EQ(first.data_ptr(), second.data_ptr());
}

TEST_F(KvCacheTest, RowsMayBringDifferentNumbersOfTokens) {
  append(tokens(3, 0), tokens(3, 0.5), ids({3, 1, 2}));
  EXPECT_FALSE(cache.uniform());
  const auto [k, v] = append(tokens(2, 20), tokens(2, 20.5));
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
  append(tokens(3, 0), tokens(3, 0), ids({3, 1, 2}));
  append(tokens(2, 20), tokens(2, 20), ids({0, 2, 1}));
  EXPECT_TRUE(cache.uniform());
  const auto k = append(tokens(1, 40), tokens(1, 40)).first;
  EXPECT_TRUE(torch::equal(k.select(2, 3), tokens(1, 40).select(2, 0)));
}

TEST_F(KvCacheTest, ReorderCopiesRows) {
  append(tokens(3, 0), tokens(3, 0.5), ids({3, 1, 2}));
  cache.reorder(ids({2, 2, 0, 1}));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({2, 2, 3, 1})));
  const auto fresh = tokens(1, 20).index_select(0, ids({0, 1, 2, 0}));
  const auto k = append(fresh, fresh).first;
  EXPECT_TRUE(torch::equal(k[0].narrow(1, 0, 2), tokens(3, 0)[2].narrow(1, 0, 2)));
  EXPECT_TRUE(torch::equal(k[2].narrow(1, 0, 3), tokens(3, 0)[0]));
  // The two copies of row 2 go separate ways.
  EXPECT_TRUE(torch::equal(k[0].select(1, 2), fresh[0].select(1, 0)));
  EXPECT_TRUE(torch::equal(k[1].select(1, 2), fresh[1].select(1, 0)));
}

TEST_F(KvCacheTest, ReorderLeavesRoomForTheWholeCapacity) {
  append(tokens(3, 0), tokens(3, 0));
  cache.reorder(ids({1}));
  EXPECT_EQ(cache.capacity(), 8);
  const auto k = append(tokens(5, 20).narrow(0, 0, 1), tokens(5, 20).narrow(0, 0, 1)).first;
  EXPECT_EQ(k.size(2), 8);
}

TEST_F(KvCacheTest, RowsComeAndGo) {
  append(tokens(3, 0), tokens(3, 0.5), ids({3, 1, 2}));
  KvCache more{2, /*capacity=*/10, {{2, 4}, {2, 4}}, torch::kDouble};
  const auto late = tokens(4, 60).narrow(0, 0, 2);
  const KvPass pass = more.begin(4, ids({4, 2}));
  KvLayer(more, pass, 0).append(late, late);
  KvLayer(more, pass, 1).append(late + 1e6, late + 1e6);
  more.commit(pass);
  cache.append_rows(more);
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({3, 1, 2, 4, 2})));
  EXPECT_EQ(cache.capacity(), 10);
  cache.reorder(ids({3, 0}));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({4, 3})));
  const auto next = tokens(1, 80).narrow(0, 0, 2);
  const auto k = append(next, next).first;
  EXPECT_TRUE(torch::equal(k[0].narrow(1, 0, 4), late[0]));
  EXPECT_TRUE(torch::equal(k[1].narrow(1, 0, 3), tokens(3, 0)[0]));
  cache.reorder(ids({}));
  EXPECT_EQ(cache.batch(), 0);
  cache.append_rows(more);
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({4, 2})));
  const auto again = append(next, next).first;
  EXPECT_TRUE(torch::equal(again[1].narrow(1, 0, 2), late[1].narrow(1, 0, 2)));
  EXPECT_TRUE(torch::equal(again[1].select(1, 2), next[1].select(1, 0)));
  EXPECT_TRUE(again[1].narrow(1, 3, 2).eq(0).all().item<bool>());  // nothing of rows that are gone
}

TEST_F(KvCacheTest, TruncateDropsTheEnd) {
  append(tokens(4, 0), tokens(4, 0));
  auto lengths = ids({4, 2, 1});
  cache.truncate(lengths);
  lengths.fill_(0);  // the cache keeps a copy
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({4, 2, 1})));
  EXPECT_FALSE(cache.uniform());
  const auto k = append(tokens(1, 20), tokens(1, 20)).first;
  EXPECT_TRUE(torch::equal(k[2].select(1, 0), tokens(4, 0)[2].select(1, 0)));
  EXPECT_TRUE(torch::equal(k[2].select(1, 1), tokens(1, 20)[2].select(1, 0)));
  cache.truncate(ids({0, 0, 0}));
  EXPECT_EQ(cache.longest(), 0);
  EXPECT_TRUE(cache.uniform());
}

TEST_F(KvCacheTest, SaysWhenItIsFull) {
  append(tokens(6, 0), tokens(6, 0), ids({6, 2, 1}));
  EXPECT_THAT(torch_error_of([&] { append(tokens(3, 0), tokens(3, 0)); }),
              HasSubstr("KvCache: 9 tokens do not fit its capacity of 8"));
  EXPECT_TRUE(torch::equal(cache.lengths(), ids({6, 2, 1})));
  append(tokens(3, 0), tokens(3, 0), ids({2, 3, 3}));
  EXPECT_EQ(cache.longest(), 8);
}

TEST_F(KvCacheTest, RefusesWhatDoesNotFit) {
  const auto one_row = tokens(2, 0).narrow(0, 0, 1);
  EXPECT_THAT(torch_error_of([&] { append(one_row, one_row); }),
              HasSubstr("KvCache: k and v must be [3, 2, 2, 4], got [1, 2, 2, 4]"));
  EXPECT_THAT(torch_error_of([&] {
                append(tokens(2, 0), tokens(2, 0), ids({2, 3, 0}));
              }),
              HasSubstr("KvCache: counts must be int64 [3], each between 0 and the 2 tokens"));
  EXPECT_THAT(torch_error_of([&] {
                cache.truncate(ids({0, 0, 1}));
              }),
              HasSubstr("KvCache: truncate must not lengthen a row"));
  const KvCache other{1, 8, {{2, 4}}, torch::kDouble};
  EXPECT_THAT(torch_error_of([&] { cache.append_rows(other); }),
              HasSubstr("KvCache: rows of a cache with 1 layers do not fit one with 2"));
}

}  // namespace
}  // namespace zoo
