// One model, many threads: a pass of a model in evaluation mode changes nothing that another reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/models/every_family.h"

namespace zoo {
namespace {

constexpr int64_t kThreads = 8, kInputs = 6, kRounds = 3;

std::vector<testing::StackChange> position_changes() {
  std::vector<testing::StackChange> changes = {{.name = "Usual"}};
  for (const auto& [kind, name] : EnumNames<PositionKind>::values) {
    changes.push_back({.name = std::string(name),
                       .positions = [kind = kind](PositionOptions& o) { o.position = kind; }});
  }
  return changes;
}

class ThreadsTest : public ::testing::TestWithParam<testing::Family> {};

TEST_P(ThreadsTest, GiveTheResultsOfOne) {
  for (const auto& change : position_changes()) {
    if (change.positions && !GetParam().has_positions) continue;
    SCOPED_TRACE(change.name);
    const auto model = GetParam().make(change);
    std::vector<torch::Tensor> expected;
    {
      const torch::NoGradGuard no_grad;
      for (int64_t n = 0; n < kInputs; ++n) expected.push_back(model.answer(n));
    }
    std::vector<int64_t> equal(kThreads, 0);
    std::vector<std::thread> threads;
    for (int64_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        const torch::NoGradGuard no_grad;
        for (int64_t n = 0; n < kInputs * kRounds; ++n) {
          const int64_t input = (n + thread) % kInputs;  // no two threads in step
          equal[static_cast<size_t>(thread)] +=
              torch::equal(model.answer(input), expected[static_cast<size_t>(input)]);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_THAT(equal, ::testing::Each(kInputs * kRounds));
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ThreadsTest, ::testing::ValuesIn(testing::every_family()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace zoo
