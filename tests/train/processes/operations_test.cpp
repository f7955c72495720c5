// Sums, gathers and texts of 2 and 4 processes.
#include <torch/torch.h>

#include "base/crc32c.h"
#include "tests/train/processes/joined.h"

namespace zoo {
namespace {

PROCESS_BODY(Sums) {
  const auto processes = join_for_test();
  const auto rank = processes->rank(), size = processes->size();
  const double all = static_cast<double>(size * (size + 1)) / 2;
  const auto own = static_cast<double>(rank + 1);
  for (const auto type : {torch::kFloat, torch::kDouble, torch::kLong, torch::kBFloat16}) {
    std::vector<torch::Tensor> tensors{torch::full({3, 5}, own).to(type),
                                       torch::full({}, own).to(type), torch::empty({0}).to(type),
                                       torch::full({7, 4}, own).to(type).t()};
    processes->all_reduce_sum(tensors);
    for (const auto& tensor : tensors)
      require(tensor.to(torch::kDouble).eq(all).all().item<bool>(), "a sum");
  }
  require(processes->sum({1.0, own}) == std::vector<double>({static_cast<double>(size), all}),
          "sums of numbers");
  require(processes->any(rank == size - 1) && !processes->any(false), "any");
  // More than travels at a time; what each prints must be the same.
  torch::manual_seed(rank);
  std::vector<torch::Tensor> many{torch::randn({3000001}), torch::randn({17}),
                                  torch::randn({4000037})};
  processes->all_reduce_sum(many);
  for (const auto& tensor : many)
    fmt::print("{} ", crc32c({static_cast<const char*>(tensor.data_ptr()), tensor.nbytes()}));
  require(processes->traffic().bytes > 28000000, "bytes are counted");
}

PROCESS_BODY(Gathers) {
  const auto processes = join_for_test();
  const auto rank = processes->rank(), size = processes->size();
  // 0, 2, 4, ... rows.
  const auto rows = torch::full({2 * rank, 3}, rank, torch::kLong);
  std::vector<torch::Tensor> expected;
  for (int64_t i = 0; i < size; ++i) expected.push_back(torch::full({2 * i, 3}, i, torch::kLong));
  require(processes->all_gather(rows).equal(torch::cat(expected)), "rows in the order of ranks");
  for (const auto type : {torch::kBool, torch::kDouble, torch::kBFloat16, torch::kInt})
    require(processes->all_gather(rows.to(type)).equal(torch::cat(expected).to(type)), "types");
  require(processes->all_gather(torch::empty({0, 4})).sizes() == torch::IntArrayRef({0, 4}),
          "nothing from anybody");
  const auto weight = torch::full({4, 5}, rank + 1.0), bias = torch::full({3}, rank, torch::kLong);
  processes->broadcast({weight, bias.t(), weight.t()}, size - 1);
  require(weight.eq(static_cast<double>(size)).all().item<bool>(), "broadcast");
  require(bias.eq(size - 1).all().item<bool>(), "broadcast of another type");
}

PROCESS_BODY(Texts) {
  const auto processes = join_for_test();
  for (int round = 0; round < 3; ++round) {
    const auto texts = processes->exchange(std::string(static_cast<size_t>(10 * own_rank()), '\n'));
    require(static_cast<int>(texts.size()) == own_size(), "one of each");
    for (size_t i = 0; i < texts.size(); ++i)
      require(texts[i] == std::string(10 * i, '\n'), "text");
  }
  require(processes->name(1).find("process 1 (") == 0, "a name");
}

class ProcessesTest : public testing::TestWithParam<int> {
  void SetUp() override {
    if (!can_join_processes()) GTEST_SKIP() << "this build has no Gloo: install libgloo-dev";
  }
};

TEST_P(ProcessesTest, SumsAreEqualToTheLastBit) {
  const auto ends = run_processes(GetParam(), {.body = "Sums"});
  expect_all_good(ends);
  for (const auto& end : ends) EXPECT_EQ(end.output, ends.front().output);
  EXPECT_NE(ends.front().output, "");
}

TEST_P(ProcessesTest, RowsOfUnequalNumberAreGatheredInTheOrderOfRanks) {
  expect_all_good(run_processes(GetParam(), {.body = "Gathers"}));
}

TEST_P(ProcessesTest, TextsAreExchanged) {
  expect_all_good(run_processes(GetParam(), {.body = "Texts"}));
}

INSTANTIATE_TEST_SUITE_P(Counts, ProcessesTest, testing::Values(2, 4),
                         [](const auto& info) { return std::to_string(info.param); });

}  // namespace
}  // namespace zoo
