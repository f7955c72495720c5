#include "train/processes/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace zoo {
namespace {

constexpr int kDefaultPort = 29500;  // torch's
constexpr const char* kHere = "127.0.0.1";

std::runtime_error wrong(std::string_view name, std::string_view value, std::string_view expected) {
  return std::runtime_error(fmt::format(
      "the variable {} is '{}'; expected {}. Start the program with torchrun, mpirun, srun or "
      "--processes, or unset the variable",
      name, value, expected));
}

/// Reads numbers of one launcher.
class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  std::optional<std::string> text(const std::string& name) const {
    auto value = variables_(name);
    if (value && value->empty()) return std::nullopt;
    return value;
  }

  std::optional<int64_t> number(const std::string& name, int64_t least, int64_t most) const {
    const auto value = text(name);
    if (!value) return std::nullopt;
    int64_t number = 0;
    const char* const end = value->data() + value->size();
    const auto [stop, error] = std::from_chars(value->data(), end, number);
    if (error != std::errc() || stop != end || number < least || number > most)
      throw wrong(name, *value,
                  most == kMost ? fmt::format("a whole number from {} on", least)
                                : fmt::format("a whole number from {} to {}", least, most));
    return number;
  }

  int64_t require(const std::string& name, int64_t least, int64_t most) const {
    if (const auto value = number(name, least, most)) return *value;
    throw wrong(name, "", fmt::format("a whole number from {} to {}", least, most));
  }

  /// The first of the names that is set.
  std::optional<int64_t> first(const std::vector<std::string>& names, int64_t least) const {
    for (const auto& name : names)
      if (const auto value = number(name, least, kMost)) return value;
    return std::nullopt;
  }

  static constexpr int64_t kMost = int64_t{1} << 31;

 private:
  const Variables& variables_;
};

/// Names of one launcher.
struct Names {
  std::string_view launcher;
  std::string rank, size, local_rank, local_size;
};

/// Nothing where these names mean no run of several processes.
std::optional<ProcessEnvironment> read(const Reader& reader, const Names& names) {
  const auto size = reader.number(names.size, 1, Reader::kMost);
  if (!size || *size == 1) return std::nullopt;
  ProcessEnvironment found{.size = *size, .launcher = std::string(names.launcher)};
  found.rank = reader.require(names.rank, 0, *size - 1);
  found.local_size = reader.number(names.local_size, 1, *size).value_or(0);
  const int64_t places = found.local_size > 0 ? found.local_size : *size;
  found.local_rank = reader.number(names.local_rank, 0, places - 1).value_or(0);
  return found;
}

/// MASTER_ADDR and MASTER_PORT, for those launchers that do not set them, too.
void read_master(const Reader& reader, int default_port, ProcessEnvironment& found) {
  found.master_port =
      static_cast<int>(reader.number("MASTER_PORT", 1, 65535).value_or(default_port));
  if (auto address = reader.text("MASTER_ADDR")) found.master_address = *address;
  if (found.master_address.empty() && found.local_size == found.size) found.master_address = kHere;
  if (found.master_address.empty())
    throw std::runtime_error(
        fmt::format("process {} of {} ({}) does not know where process 0 is: set MASTER_ADDR to "
                    "the host of process 0, and MASTER_PORT to a free port there",
                    found.rank, found.size, found.launcher));
}

std::optional<ProcessEnvironment> read_torchrun(const Reader& reader) {
  auto found = read(reader, {.launcher = "torchrun",
                             .rank = "RANK",
                             .size = "WORLD_SIZE",
                             .local_rank = "LOCAL_RANK",
                             .local_size = "LOCAL_WORLD_SIZE"});
  if (!found) return std::nullopt;
  if (reader.text("LOCAL_WORLD_SIZE") == std::nullopt && !reader.text("MASTER_ADDR"))
    found->local_size = found->size;  // by hand: RANK=0 WORLD_SIZE=2 train_gpt ...
  read_master(reader, kDefaultPort, *found);
  found->restarts = reader.first({"TORCHELASTIC_RESTART_COUNT"}, 0).value_or(0);
  found->launcher_keeps_store = reader.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  found->run_id = reader.text("TORCHELASTIC_RUN_ID").value_or("");
  return found;
}

std::optional<ProcessEnvironment> read_mpi(const Reader& reader) {
  auto found = read(reader, {.launcher = "mpirun",
                             .rank = "OMPI_COMM_WORLD_RANK",
                             .size = "OMPI_COMM_WORLD_SIZE",
                             .local_rank = "OMPI_COMM_WORLD_LOCAL_RANK",
                             .local_size = "OMPI_COMM_WORLD_LOCAL_SIZE"});
  if (!found)
    found = read(reader, {.launcher = "mpirun",
                          .rank = "PMI_RANK",
                          .size = "PMI_SIZE",
                          .local_rank = "MPI_LOCALRANKID",
                          .local_size = "MPI_LOCALNRANKS"});
  if (!found) return std::nullopt;
  read_master(reader, kDefaultPort, *found);
  found->run_id = reader.text("PMIX_NAMESPACE").value_or("");
  return found;
}

/// "2(x3),1" has 2, 2, 2 and 1 tasks on the nodes of a step.
int64_t tasks_on_node(const std::string& list, int64_t node) {
  std::string_view rest = list;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    int64_t tasks = 0, times = 1;
    std::from_chars(part.data(), part.data() + part.size(), tasks);
    if (const size_t x = part.find("(x"); x != std::string_view::npos)
      std::from_chars(part.data() + x + 2, part.data() + part.size(), times);
    if (node < times) return tasks;
    node -= times;
  }
  return 0;
}

std::optional<ProcessEnvironment> read_slurm(const Reader& reader) {
  const auto step =
      reader.text("SLURM_STEP_ID") ? reader.text("SLURM_STEP_ID") : reader.text("SLURM_STEPID");
  if (!step) return std::nullopt;  // a shell in an allocation, or a batch script
  const bool of_step = reader.text("SLURM_STEP_NUM_TASKS").has_value();
  auto found = read(reader, {.launcher = "srun",
                             .rank = "SLURM_PROCID",
                             .size = of_step ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS",
                             .local_rank = "SLURM_LOCALID",
                             .local_size = ""});
  if (!found) return std::nullopt;
  found->local_size = tasks_on_node(reader.text("SLURM_STEP_TASKS_PER_NODE").value_or(""),
                                    reader.first({"SLURM_NODEID"}, 0).value_or(0));
  if (found->local_size != found->size) {
    for (const auto* const name : {"SLURM_STEP_NODELIST", "SLURM_NODELIST"})
      if (const auto list = reader.text(name); list && found->master_address.empty())
        found->master_address = first_slurm_host(*list);
    if (found->master_address.empty())
      found->master_address = reader.text("SLURM_LAUNCH_NODE_IPADDR").value_or("");
  }
  const auto job = reader.first({"SLURM_JOB_ID", "SLURM_JOBID"}, 0).value_or(0);
  // Steps of one job may run at the same time; two jobs share a machine.
  const auto number = reader.first({"SLURM_STEP_ID", "SLURM_STEPID"}, 0).value_or(0);
  read_master(reader, static_cast<int>(15000 + (job * 7 + number) % 10000), *found);
  found->run_id = fmt::format("{}.{}", job, *step);
  return found;
}

}  // namespace

std::string first_slurm_host(const std::string& list) {
  const size_t bracket = list.find('['), comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  const size_t end = list.find_first_of(",-]", bracket);
  const size_t close = list.find(']', bracket);
  if (close == std::string::npos) return list;
  const std::string after = list.substr(close + 1, list.find(',', close) - close - 1);
  return list.substr(0, bracket) + list.substr(bracket + 1, end - bracket - 1) + after;
}

ProcessEnvironment read_process_environment(const Variables& variables) {
  const Reader reader(variables);
  if (auto found = read_torchrun(reader)) return *found;
  if (auto found = read_mpi(reader)) return *found;
  if (auto found = read_slurm(reader)) return *found;
  return {};
}

ProcessEnvironment process_environment() {
  return read_process_environment([](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  });
}

}  // namespace zoo
