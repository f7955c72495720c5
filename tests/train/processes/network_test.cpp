// Two processes on two machines, as far as they know: network namespaces joined by a virtual link.
#include <unistd.h>

#include <cstdlib>

#include "tests/train/processes/joined.h"
#include "tests/train/processes/lossy_link.h"

namespace zoo {
namespace {

constexpr const char* kFirst = "10.83.0.1";

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_join_processes()) GTEST_SKIP() << "this build has no Gloo: install libgloo-dev";
    const std::string a = name(0), b = name(1);
    made_ = run("ip netns add " + a) && run("ip netns add " + b) &&
            run("ip link add left netns " + a + " type veth peer name right netns " + b);
    for (const auto& [space, link, address] :
         {std::tuple(a, "left", kFirst), std::tuple(b, "right", "10.83.0.2")})
      made_ = made_ &&
              run(fmt::format("ip -n {} address add {}/24 dev {}", space, address, link)) &&
              run(fmt::format("ip -n {} link set {} up", space, link)) &&
              run(fmt::format("ip -n {} link set lo up", space));
    if (!made_)
      GTEST_SKIP() << "no network namespaces here: they need ip (iproute2) and root's rights";
  }
  void TearDown() override {
    for (const int i : {0, 1}) run("ip netns delete " + name(i));
  }

  static std::string name(int rank) { return fmt::format("zoo-{}-{}", ::getpid(), rank); }
  static ProcessRun across(const std::string& body) {
    return {.body = body,
            .variables = {{"MASTER_ADDR", kFirst}, {"ZOO_TEST_TIMEOUT", "20"}},
            .command_of = {{0, {"ip", "netns", "exec", name(0)}},
                           {1, {"ip", "netns", "exec", name(1)}}}};
  }

  bool made_ = false;
};

TEST_F(NetworkTest, GradientsAreSummedAcrossALink) {
  for (const char* const body : {"Sums", "Gradients"}) {
    const auto ends = run_processes(2, across(body));
    expect_all_good(ends);
    EXPECT_EQ(ends[0].output, ends[1].output);
  }
}

TEST_F(NetworkTest, ALinkWithDelayAndLossIsOnlySlower) {
  const LossyLink link(name(0), name(1), "lossy", std::chrono::milliseconds(5), 50);
  if (!link.works()) GTEST_SKIP() << "no tunnels here: they need /dev/net/tun";
  for (const int rank : {0, 1})
    ASSERT_TRUE(
        run(fmt::format("ip -n {} address add 10.84.0.{}/24 dev lossy", name(rank), rank + 1)) &&
        run(fmt::format("ip -n {} link set lossy up", name(rank))));
  auto both = across("Gradients");
  both.variables["MASTER_ADDR"] = "10.84.0.1";
  const auto ends = run_processes(2, both);
  expect_all_good(ends);
  EXPECT_EQ(ends[0].output, ends[1].output);
  EXPECT_GT(link.packets(), 100);
  EXPECT_GT(link.lost(), 0);
}

TEST_F(NetworkTest, ALostLinkIsNoticedOnBothSides) {
  double lost = 0.0;
  auto both = across("Trains");
  both.meddle = [&](int, int, double seconds) {
    if (lost > 0.0 || seconds < 0.5) return;
    lost = seconds;
    run("ip -n " + name(1) + " link set right down");
  };
  const auto ends = run_processes(2, both);
  for (const int rank : {0, 1}) {
    const auto& end = ends[static_cast<size_t>(rank)];
    expect_one_line(end, fmt::format("process {} (", 1 - rank));
    EXPECT_LT(end.seconds, lost + 12.0);  // 2 s of silence, and seconds to end
  }
}

}  // namespace
}  // namespace zoo
