#include "train/processes/rendezvous.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string port_of(const ProcessEnvironment& environment) {
  return fmt::format("{}:{}", environment.master_address, environment.master_port);
}

[[noreturn]] void refuse_other_run(const ProcessEnvironment& environment) {
  throw std::runtime_error(
      fmt::format("another run uses {}: choose another port with MASTER_PORT (torchrun "
                  "--master-port)",
                  port_of(environment)));
}

/// Waits for a key; nothing at the end of the time.
std::optional<std::string> wait_for(SharedKeys& keys, const std::string& key,
                                    Clock::time_point end) {
  for (milliseconds pause{1};; pause = std::min(2 * pause, milliseconds(50))) {
    if (auto value = keys.get(key)) return value;
    if (Clock::now() >= end) return std::nullopt;
    std::this_thread::sleep_for(pause);
  }
}

std::string key_of(int64_t rank) { return fmt::format("here/{}", rank); }

/// The ranks that have not announced themselves: "1, 2, 5 and 9 others".
std::string missing(SharedKeys& keys, int64_t size) {
  constexpr size_t kNamed = 8;
  std::vector<int64_t> ranks;
  for (int64_t rank = 0; rank < size; ++rank)
    if (!keys.get(key_of(rank))) ranks.push_back(rank);
  const size_t others = ranks.size() > kNamed ? ranks.size() - kNamed : 0;
  ranks.resize(ranks.size() - others);
  return fmt::format("{} {}{}", ranks.size() == 1 ? "process" : "processes", fmt::join(ranks, ", "),
                     others > 0 ? fmt::format(" and {} others", others) : std::string());
}

}  // namespace

void require_own_run(SharedKeys& keys, const ProcessEnvironment& environment,
                     milliseconds timeout) {
  if (environment.rank == 0) return keys.set("run", environment.run_id);  // its port
  const auto run = wait_for(keys, "run", Clock::now() + timeout);
  if (run && *run != environment.run_id) refuse_other_run(environment);
}

std::vector<ProcessIdentity> meet(SharedKeys& keys, const ProcessIdentity& own,
                                  const ProcessEnvironment& environment, milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  if (keys.add(fmt::format("ranks/{}", own.rank), 1) > 1)
    throw std::runtime_error(
        fmt::format("two processes have the rank {} at {}: another run uses the port (choose one "
                    "with MASTER_PORT), or RANK is wrong",
                    own.rank, port_of(environment)));
  keys.set(key_of(own.rank), own.to_text());
  std::vector<ProcessIdentity> processes;
  for (int64_t rank = 0; rank < own.size; ++rank) {
    const auto text = wait_for(keys, key_of(rank), end);
    if (!text)
      throw std::runtime_error(
          fmt::format("{} of {} did not join at {} within {:g} s: start all with the same number "
                      "of processes, MASTER_ADDR and MASTER_PORT",
                      missing(keys, own.size), own.size, port_of(environment),
                      std::chrono::duration<double>(timeout).count()));
    processes.push_back(ProcessIdentity::from_text(*text));
    if (const auto& other = processes.back(); other.size != own.size)
      throw std::runtime_error(
          fmt::format("{} was started as one of {}, this process as one of {}: WORLD_SIZE must be "
                      "the same for all",
                      other.name(), other.size, own.size));
  }
  // The keys stay until all have seen them.
  keys.add("met", 1);
  if (environment.rank != 0 || environment.launcher_keeps_store) return processes;
  while (keys.add("met", 0) < own.size && Clock::now() < end)
    std::this_thread::sleep_for(milliseconds(1));
  return processes;
}

}  // namespace zoo
