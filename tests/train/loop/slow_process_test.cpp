#include "train/loop/slow_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(SlowProcessTest, IsWhoNeedsLongerForManyUpdatesInARow) {
  SlowProcessFinder finder(1.5, 3);
  EXPECT_FALSE(finder.see({1.0, 2.0, 1.0}));
  EXPECT_FALSE(finder.see({1.0, 2.0, 1.0}));
  EXPECT_FALSE(finder.see({1.0, 1.0, 1.0}));  // a pause begins a new streak
  EXPECT_FALSE(finder.see({1.0, 2.0, 1.0}));
  EXPECT_FALSE(finder.see({1.0, 2.0, 1.0}));
  const auto found = finder.see({1.0, 2.0, 1.0});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 1);
  EXPECT_DOUBLE_EQ(found->factor, 2.0);
  EXPECT_FALSE(finder.see({1.0, 2.0, 1.0}));  // once
}

TEST(SlowProcessTest, IsFoundAmongTwo) {
  SlowProcessFinder finder(1.5, 1);
  EXPECT_FALSE(finder.see({1.0, 1.2}));
  const auto found = finder.see({3.0, 1.0});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 0);
  SlowProcessFinder alone(1.5, 1);
  EXPECT_FALSE(alone.see({3.0}));
}

/// Two processes, of which the other needs `seconds` for 20 updates.
class BesideAnother : public Processes {
 public:
  explicit BesideAnother(double seconds) : seconds_(seconds) {}
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 2; }
  void all_reduce_sum(const std::vector<torch::Tensor>&) override {}
  torch::Tensor all_gather(const torch::Tensor& rows) override {
    return torch::cat({rows, torch::full({1}, seconds_, torch::kDouble)});
  }
  void broadcast(const std::vector<torch::Tensor>&, int64_t) override {}
  std::vector<std::string> exchange(const std::string& text) override { return {text, text}; }
  std::unique_ptr<GradientSum> gradient_sum(const std::vector<torch::Tensor>&) override {
    return {};
  }
  ProcessTraffic traffic() const override { return {.seconds_waited = waited}; }
  double waited = 0.0;

 private:
  double seconds_;
};

TEST(SlowProcessNoteTest, DoesNotCountTheTimeOfWaiting) {
  BesideAnother other(20.0);  // a second for each
  SlowProcessNote note(other);
  std::vector<std::string> lines;
  for (int i = 0; i < 100; ++i) {
    other.waited += 0.5;  // of the second, this process waits for half
    if (auto line = note.update(1.0); !line.empty()) lines.push_back(line);
  }
  EXPECT_THAT(lines, testing::ElementsAre("process 1 is slow: it needs 2.0 times as long as the "
                                          "others, which wait for it"));
}

TEST(SlowProcessNoteTest, IsQuietWhereAllAreAsQuick) {
  BesideAnother other(20.0);
  SlowProcessNote note(other), alone(single_process());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(note.update(1.0), "");
    EXPECT_EQ(alone.update(1.0), "");
  }
}

}  // namespace
}  // namespace zoo
