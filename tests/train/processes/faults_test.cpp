// Processes that do not come, are killed, stop or fail: the others end with one line that says so.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <torch/torch.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

#include "tests/train/processes/joined.h"
#include "train/processes/agreement.h"

namespace zoo {
namespace {

/// Trains a small net until the end of the world.
PROCESS_BODY(Trains) {
  if (const double after = variable_or("ZOO_TEST_KILLED_AFTER", -1); after >= 0) {
    std::thread([after] {
      std::this_thread::sleep_for(std::chrono::duration<double>(after));
      ::raise(SIGKILL);
    }).detach();
  }
  const auto processes = join_for_test();
  fmt::print("joined\n");
  std::fflush(stdout);
  torch::nn::Sequential net(torch::nn::Linear(300, 300), torch::nn::ReLU(),
                            torch::nn::Linear(300, 300));
  const auto sum = processes->gradient_sum(net->parameters());
  const double most = variable_or("ZOO_TEST_STEPS", 1e9), fails = variable_or("ZOO_TEST_FAILS", -1);
  for (double step = 0; step < most; ++step) {
    if (own_rank() == fails && step == 20) throw std::runtime_error("the disk is full");
    auto loss = net->forward(torch::randn({8, 300})).pow(2).mean();
    sum->begin(loss);
    loss.backward();
    sum->finish();
    processes->sum({1.0});
  }
}

PROCESS_BODY(Disagrees) {
  const auto processes = join_for_test();
  require_agreement(*processes, {{"seed", own_rank() == 1 ? "2" : "1"}});
}

PROCESS_BODY(Joins) {
  const auto processes = join_for_test();
  std::this_thread::sleep_for(std::chrono::duration<double>(variable_or("ZOO_TEST_STAYS", 0)));
}

class FaultsTest : public testing::Test {
  void SetUp() override {
    if (!can_join_processes()) GTEST_SKIP() << "this build has no Gloo: install libgloo-dev";
  }
};

/// Sends a signal once, a while after all have begun.
class Signal {
 public:
  Signal(int rank, int signal, double after) : rank_(rank), signal_(signal), after_(after) {}
  void operator()(int rank, int pid, double seconds) {
    if (rank != rank_ || sent_ > 0.0 || seconds < after_) return;
    ::kill(pid, signal_);
    sent_ = seconds;
  }
  double sent() const { return sent_; }

 private:
  int rank_, signal_;
  double after_, sent_ = 0.0;
};

double random_moment() {
  static std::mt19937 random(static_cast<unsigned>(::getpid()));
  return std::uniform_real_distribution<double>(0.0, 1.5)(random);
}

TEST_F(FaultsTest, AKilledProcessIsNamed) {
  for (const int count : {2, 4}) {
    for (const int killed : {0, 1}) {
      Signal signal(killed, SIGKILL, random_moment());
      const auto ends = run_processes(count, {.body = "Trains", .meddle = std::ref(signal)});
      for (int rank = 0; rank < count; ++rank) {
        const auto& end = ends[static_cast<size_t>(rank)];
        if (rank == killed) {
          EXPECT_EQ(end.code, 128 + SIGKILL);
          continue;
        }
        expect_one_line(end, fmt::format("process {} (", killed));
        EXPECT_LT(end.seconds, signal.sent() + 5.0);
      }
    }
  }
}

TEST_F(FaultsTest, AProcessKilledWhileTheyMeetIsNamed) {
  std::mt19937 random(static_cast<unsigned>(::getpid()));
  for (const int killed : {0, 1}) {
    const double after = std::uniform_real_distribution<double>(0.0, 1.0)(random);
    const auto ends = run_processes(
        2, {.body = "Trains",
            .variables = {{"ZOO_TEST_TIMEOUT", "4"}},
            .variables_of = {{killed, {{"ZOO_TEST_KILLED_AFTER", fmt::format("{}", after)}}}}});
    EXPECT_EQ(ends[static_cast<size_t>(killed)].code, 128 + SIGKILL);
    expect_one_line(ends[static_cast<size_t>(1 - killed)], fmt::format("process {}", killed));
  }
}

TEST_F(FaultsTest, AStoppedProcessIsNamedAfterTheStatedTime) {
  for (const int stopped : {0, 1}) {
    Signal signal(stopped, SIGSTOP, random_moment());
    double others_end = 0.0;
    // The stopped one stays until the others have ended.
    const auto meddle = [&](int rank, int pid, double seconds) {
      signal(rank, pid, seconds);
      if (rank != stopped) others_end = seconds;
      if (rank == stopped && seconds > others_end + 0.5) ::kill(pid, SIGKILL);
    };
    const auto ends = run_processes(
        2, {.body = "Trains", .variables = {{"ZOO_TEST_TIMEOUT", "15"}}, .meddle = meddle});
    const auto& end = ends[static_cast<size_t>(1 - stopped)];
    expect_one_line(end, fmt::format("process {} (", stopped));
    EXPECT_THAT(end.errors, testing::HasSubstr("has sent no sign of life for 1.5 s"));
    EXPECT_GT(end.seconds, signal.sent() + 1.0);
    EXPECT_LT(end.seconds, signal.sent() + 8.0);
  }
}

TEST_F(FaultsTest, AProcessThatWakesAgainEndsToo) {
  Signal stop(1, SIGSTOP, 0.5), wake(1, SIGCONT, 3.5);
  const auto ends = run_processes(2, {.body = "Trains",
                                      .variables = {{"ZOO_TEST_TIMEOUT", "10"}},
                                      .meddle = [&](int rank, int pid, double seconds) {
                                        stop(rank, pid, seconds);
                                        wake(rank, pid, seconds);
                                      }});
  expect_one_line(ends[0], "process 1 (");
  EXPECT_EQ(ends[1].code, 1) << ends[1].errors;
}

TEST_F(FaultsTest, AProcessThatFailsIsNamed) {
  for (const int failing : {0, 1}) {
    const auto ends = run_processes(
        4, {.body = "Trains", .variables = {{"ZOO_TEST_FAILS", std::to_string(failing)}}});
    for (int rank = 0; rank < 4; ++rank)
      expect_one_line(ends[static_cast<size_t>(rank)],
                      rank == failing ? "the disk is full" : fmt::format("process {} (", failing));
  }
}

TEST_F(FaultsTest, AGoodEndIsQuiet) {
  for (int i = 0; i < 2; ++i)
    expect_all_good(run_processes(4, {.body = "Trains", .variables = {{"ZOO_TEST_STEPS", "30"}}}));
}

TEST_F(FaultsTest, AProcessThatDoesNotComeIsNamed) {
  const auto ends = run_processes(
      1,
      {.body = "Joins",
       .variables = {{"ZOO_TEST_TIMEOUT", "1"}, {"WORLD_SIZE", "3"}, {"LOCAL_WORLD_SIZE", "3"}}});
  expect_one_line(ends[0], "processes 1, 2 of 3 did not join at 127.0.0.1:");
  const auto second = run_processes(1, {.body = "Joins",
                                        .variables = {{"ZOO_TEST_TIMEOUT", "1"},
                                                      {"WORLD_SIZE", "3"},
                                                      {"LOCAL_WORLD_SIZE", "3"},
                                                      {"RANK", "1"}}});
  expect_one_line(second[0], "process 0 does not answer at 127.0.0.1:");
}

TEST_F(FaultsTest, AnotherNumberOfProcessesIsNamed) {
  const auto ends = run_processes(
      2,
      {.body = "Joins", .variables_of = {{1, {{"WORLD_SIZE", "3"}, {"LOCAL_WORLD_SIZE", "3"}}}}});
  expect_one_line(ends[0], "was started as one of 3, this process as one of 2");
  expect_one_line(ends[1], "was started as one of 2, this process as one of 3");
}

TEST_F(FaultsTest, AnotherRunOnThePortIsNamed) {
  const auto ends = run_processes(2, {.body = "Joins",
                                      .variables = {{"ZOO_TEST_TIMEOUT", "2"}},
                                      .variables_of = {{1, {{"TORCHELASTIC_RUN_ID", "other"}}}}});
  expect_one_line(ends[1], "another run uses 127.0.0.1:");
  expect_one_line(ends[0], "process 1 of 2 did not join");
  // Two runs that nothing tells apart.
  const auto twins = run_processes(
      3, {.body = "Joins",
          .variables = {{"WORLD_SIZE", "2"}, {"LOCAL_WORLD_SIZE", "2"}, {"ZOO_TEST_STAYS", "3"}},
          .variables_of = {{2, {{"RANK", "1"}, {"LOCAL_RANK", "1"}}}}});
  EXPECT_EQ((twins[1].code == 0) + (twins[2].code == 0), 1);
  expect_one_line(twins[1].code == 0 ? twins[2] : twins[1], "two processes have the rank 1");
}

TEST_F(FaultsTest, ATakenPortIsNamed) {
  const int end = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(end, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(end, 1), 0);
  ASSERT_EQ(::getsockname(end, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const auto port = std::to_string(ntohs(address.sin6_port));
  const auto ends = run_processes(
      1, {.body = "Joins",
          .variables = {{"WORLD_SIZE", "2"}, {"LOCAL_WORLD_SIZE", "2"}, {"MASTER_PORT", port}}});
  ::close(end);
  expect_one_line(ends[0], "port " + port + " is taken");
}

TEST_F(FaultsTest, ProcessesThatDifferAreNamed) {
  for (const auto& end : run_processes(4, {.body = "Disagrees"}))
    expect_one_line(end, "the processes differ in seed: process 0 (");
}

}  // namespace
}  // namespace zoo
