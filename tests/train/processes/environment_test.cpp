// From the variables of launchers to ranks; agreement without any process.
#include "train/processes/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "base/usage_error.h"
#include "train/processes/agreement.h"
#include "train/processes/launch.h"

namespace zoo {
namespace {

using Settings = std::map<std::string, std::string>;

ProcessEnvironment read(const Settings& settings) {
  return read_process_environment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = settings.find(name);
    if (found == settings.end()) return std::nullopt;
    return found->second;
  });
}

void expect_refused(const Settings& settings, const std::string& part) {
  try {
    read(settings);
    FAIL() << "expected: " << part;
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

const Settings kTorchrun = {{"RANK", "3"},
                            {"WORLD_SIZE", "4"},
                            {"LOCAL_RANK", "1"},
                            {"LOCAL_WORLD_SIZE", "2"},
                            {"MASTER_ADDR", "node1"},
                            {"MASTER_PORT", "29400"},
                            {"TORCHELASTIC_RESTART_COUNT", "2"},
                            {"TORCHELASTIC_RUN_ID", "none"},
                            {"TORCHELASTIC_USE_AGENT_STORE", "True"}};

TEST(ProcessEnvironmentTest, ReadsTorchrun) {
  const auto found = read(kTorchrun);
  EXPECT_EQ(found.rank, 3);
  EXPECT_EQ(found.size, 4);
  EXPECT_EQ(found.local_rank, 1);
  EXPECT_EQ(found.local_size, 2);
  EXPECT_EQ(found.master_address, "node1");
  EXPECT_EQ(found.master_port, 29400);
  EXPECT_EQ(found.restarts, 2);
  EXPECT_TRUE(found.launcher_keeps_store);
}

TEST(ProcessEnvironmentTest, ReadsVariablesSetByHand) {
  const auto found = read({{"RANK", "1"}, {"WORLD_SIZE", "2"}});
  EXPECT_EQ(found.master_address, "127.0.0.1");
  EXPECT_EQ(found.master_port, 29500);
  EXPECT_FALSE(found.launcher_keeps_store);
}

TEST(ProcessEnvironmentTest, ReadsOpenMpi) {
  Settings settings = {{"OMPI_COMM_WORLD_RANK", "5"},
                       {"OMPI_COMM_WORLD_SIZE", "6"},
                       {"OMPI_COMM_WORLD_LOCAL_RANK", "5"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "6"}};
  EXPECT_EQ(read(settings).rank, 5);
  EXPECT_EQ(read(settings).master_address, "127.0.0.1");
  settings["OMPI_COMM_WORLD_LOCAL_SIZE"] = "3";
  settings["OMPI_COMM_WORLD_LOCAL_RANK"] = "2";
  expect_refused(settings, "set MASTER_ADDR to the host of process 0");
  settings["MASTER_ADDR"] = "10.0.0.1";
  EXPECT_EQ(read(settings).master_address, "10.0.0.1");
}

const Settings kSlurm = {{"SLURM_JOB_ID", "4711"},
                         {"SLURM_STEP_ID", "0"},
                         {"SLURM_PROCID", "6"},
                         {"SLURM_LOCALID", "0"},
                         {"SLURM_NODEID", "3"},
                         {"SLURM_NTASKS", "9"},
                         {"SLURM_STEP_NUM_TASKS", "7"},
                         {"SLURM_STEP_TASKS_PER_NODE", "2(x3),1"},
                         {"SLURM_STEP_NODELIST", "gpu[017-019,42]"},
                         {"SLURM_LAUNCH_NODE_IPADDR", "10.1.1.1"}};

TEST(ProcessEnvironmentTest, ReadsSlurm) {
  const auto found = read(kSlurm);
  EXPECT_EQ(found.rank, 6);
  EXPECT_EQ(found.size, 7);
  EXPECT_EQ(found.local_size, 1);
  EXPECT_EQ(found.master_address, "gpu017");
  EXPECT_GT(found.master_port, 1024);
  auto other = kSlurm;
  other["SLURM_JOB_ID"] = "4712";
  EXPECT_NE(read(other).master_port, found.master_port);
  EXPECT_NE(read(other).run_id, found.run_id);
}

TEST(ProcessEnvironmentTest, FindsTheFirstHostOfSlurmsLists) {
  EXPECT_EQ(first_slurm_host("node7"), "node7");
  EXPECT_EQ(first_slurm_host("a1,b2"), "a1");
  EXPECT_EQ(first_slurm_host("a1,n[1-2]"), "a1");
  EXPECT_EQ(first_slurm_host("n[004-006,9],login1"), "n004");
  EXPECT_EQ(first_slurm_host("n[9,12]-ib.cluster,x"), "n9-ib.cluster");
}

TEST(ProcessEnvironmentTest, TakesNothingElseForSeveralProcesses) {
  EXPECT_EQ(read({}).size, 1);
  EXPECT_EQ(read({{"MASTER_ADDR", "node1"}, {"LOCAL_RANK", "1"}, {"RANK", "captain"}}).size, 1);
  EXPECT_EQ(read({{"WORLD_SIZE", "1"}, {"RANK", "0"}}).size, 1);
  EXPECT_EQ(read({{"WORLD_SIZE", ""}, {"RANK", ""}}).size, 1);
  auto shell = kSlurm;  // of salloc: the allocation has several tasks, the shell is none
  shell.erase("SLURM_STEP_ID");
  EXPECT_EQ(read(shell).size, 1);
  auto interactive = kSlurm;  // srun --ntasks 1 --pty bash
  interactive["SLURM_STEP_NUM_TASKS"] = "1";
  EXPECT_EQ(read(interactive).size, 1);
}

TEST(ProcessEnvironmentTest, TorchrunComesBeforeSlurm) {
  auto both = kSlurm;
  both.insert(kTorchrun.begin(), kTorchrun.end());
  both["SLURM_PROCID"] = "nonsense";
  EXPECT_EQ(read(both).rank, 3);
}

TEST(ProcessEnvironmentTest, RefusesMalformedValuesInOneLine) {
  const auto with = [](const std::string& name, const std::string& value) {
    auto settings = kTorchrun;
    settings[name] = value;
    return settings;
  };
  expect_refused(with("RANK", "4"),
                 "the variable RANK is '4'; expected a whole number from 0 to 3");
  expect_refused(with("RANK", "-1"), "RANK is '-1'");
  expect_refused(with("RANK", "1x"), "RANK is '1x'");
  expect_refused(with("RANK", ""), "RANK is ''");
  expect_refused(with("WORLD_SIZE", "two"), "WORLD_SIZE is 'two'; expected a whole number from 1");
  expect_refused(with("WORLD_SIZE", "99999999999999999999"), "WORLD_SIZE is");
  expect_refused(with("LOCAL_RANK", "2"), "LOCAL_RANK is '2'; expected a whole number from 0 to 1");
  expect_refused(with("MASTER_PORT", "70000"), "from 1 to 65535");
  expect_refused(with("MASTER_ADDR", ""), "set MASTER_ADDR");
}

TEST(LaunchTest, DoesNotStartCopiesOfAnothersCopies) {
  EXPECT_FALSE(must_launch(1, {}));
  EXPECT_FALSE(must_launch(1, {.rank = 1, .size = 4}));
  EXPECT_TRUE(must_launch(2, {}));
  EXPECT_THROW(must_launch(2, {.rank = 1, .size = 4, .launcher = "torchrun"}), UsageError);
}

/// Three processes whose texts a test makes up.
class MadeUp : public Processes {
 public:
  explicit MadeUp(std::vector<std::string> others) : others_(std::move(others)) {}
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 1 + static_cast<int64_t>(others_.size()); }
  void all_reduce_sum(const std::vector<torch::Tensor>&) override {}
  torch::Tensor all_gather(const torch::Tensor& rows) override { return rows; }
  void broadcast(const std::vector<torch::Tensor>&, int64_t) override {}
  std::unique_ptr<GradientSum> gradient_sum(const std::vector<torch::Tensor>&) override {
    return {};
  }
  std::vector<std::string> exchange(const std::string& text) override {
    std::vector<std::string> texts{text};
    for (const auto& other : others_) texts.push_back(other.empty() ? text : other);
    return texts;
  }

 private:
  std::vector<std::string> others_;
};

TEST(AgreementTest, NamesTheFirstItemThatDiffers) {
  const Agreement own = {{"recipe", "ab"}, {"seed", "1"}, {"data", "cd"}};
  MadeUp same({"", ""});
  EXPECT_NO_THROW(require_agreement(same, own));
  MadeUp other({"", "recipe\tab\nseed\t2\ndata\txx\n"});
  try {
    require_agreement(other, own);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("the processes differ in seed: process 0 has 1, "
                                                 "process 2 has 2; start all"));
  }
  MadeUp in_a_list({"recipe\tseed = 1, layers = 3, heads = 2\n"});
  try {
    require_agreement(in_a_list, {{"recipe", "seed = 1, layers = 12, heads = 2"}});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("process 0 has layers = 12, process 1 has layers "
                                                 "= 3; start all"));
  }
  MadeUp shorter({"recipe\tab\n", ""});
  EXPECT_THROW(require_agreement(shorter, own), std::runtime_error);
  EXPECT_EQ(program_hash().size(), 8U);
}

}  // namespace
}  // namespace zoo
