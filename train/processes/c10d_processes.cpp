// Processes on c10d: Gloo on the CPU, and NCCL for GPUs where the build has it.
#define USE_C10D_GLOO
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <torch/cuda.h>
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>

#include "train/processes/c10d_gradient_sum.h"
#include "train/processes/c10d_nccl.h"
#include "train/processes/c10d_store.h"
#include "train/processes/c10d_watched.h"
#include "train/processes/identity.h"
#include "train/processes/join.h"
#include "train/processes/leave.h"
#include "train/processes/process_error.h"
#include "train/processes/rendezvous.h"
#include "train/processes/traffic.h"
#include "train/processes/watch.h"

C10_DECLARE_int(caffe2_log_level);

namespace zoo {
namespace {

using std::chrono::milliseconds;
using Group = c10::intrusive_ptr<c10d::ProcessGroup>;

constexpr int64_t kChunkBytes = 25 << 20;  // of tensors that travel together

std::string message_of(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = of_torch != nullptr ? of_torch->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

class C10dProcesses final : public Processes {
 public:
  C10dProcesses(ProcessEnvironment environment, const ProcessOptions& options)
      : environment_(std::move(environment)), options_(options) {
    const StoreAddress address{.host = environment_.master_address,
                               .port = environment_.master_port,
                               .hold = holds_store()};
    store_ = std::make_unique<C10dStore>(address, options.timeout);
    require_own_run(*store_, environment_, options.timeout);
    // Keys of an earlier start stay in the store of torchrun, and Gloo would dial its processes.
    const auto of_start = [&](const C10dStore& store) {
      return store.with_prefix(fmt::format("start-{}", environment_.restarts));
    };
    keys_ = of_start(*store_);
    own_address_ = local_address_towards(environment_.master_address, environment_.master_port);
    processes_ =
        meet(*keys_, own_identity(rank(), size(), own_address_), environment_, options.timeout);
    C10dStore second({.host = address.host, .port = address.port}, options.timeout);
    watch_ = std::make_shared<Watch>(
        of_start(second),
        WatchOptions{.rank = rank(),
                     .processes = processes_,
                     .silence = options.timeout / 10,
                     .keeper = environment_.launcher_keeps_store ? "torchrun at " + address.host
                                                                 : processes_.front().name(),
                     .program = options.program});
    connect();
    // The wait for a GPU cannot be woken.
    if (options.cuda) always_waiting_.emplace(*watch_);
  }

  ~C10dProcesses() override {
    always_waiting_.reset();
    const bool failed = std::uncaught_exceptions() > exceptions_;
    if (failed) watch_->give_up(name(rank()) + " has stopped with an error");
    // The others read from the store why this process ends.
    if (holds_store()) watch_->wait_for_goodbyes(kLinger);
    const bool lost = failed || watch_->is_lost();
    watch_->leave();
    if (!lost) return;
    // Threads of torch may wait for those that are gone.
    leave_without_destructors();
    [[maybe_unused]] auto* const kept = new std::pair(std::move(group_), std::move(store_));
  }

  int64_t rank() const override { return environment_.rank; }
  int64_t size() const override { return environment_.size; }
  std::string name(int64_t rank) const override {
    return processes_.at(static_cast<size_t>(rank)).name();
  }
  ProcessTraffic traffic() const override { return traffic_->read(); }

  void all_reduce_sum(const std::vector<torch::Tensor>& tensors) override {
    in_chunks(tensors, [&](torch::Tensor& chunk) {
      std::vector<torch::Tensor> sum{chunk};
      wait([&] { return group_->allreduce(sum); }, chunk.nbytes());
    });
  }

  void broadcast(const std::vector<torch::Tensor>& tensors, int64_t from) override {
    in_chunks(tensors, [&](torch::Tensor& chunk) {
      std::vector<torch::Tensor> sent{chunk};
      c10d::BroadcastOptions options;
      options.rootRank = from;
      wait([&] { return group_->broadcast(sent, options); }, chunk.nbytes());
    });
  }

  torch::Tensor all_gather(const torch::Tensor& rows) override {
    const torch::NoGradGuard no_grad;
    TORCH_CHECK(rows.dim() > 0, "all_gather: rows [N, ...] expected, got a single number");
    const auto counts = gather_equal(torch::tensor({rows.size(0)}, torch::kLong));
    int64_t most = 0;
    for (const auto& count : counts) most = std::max(most, count.item<int64_t>());
    const bool flags = rows.scalar_type() == torch::kBool;  // Gloo has no such type
    auto shape = rows.sizes().vec();
    shape.front() = most;
    auto padded = torch::zeros(shape, flags ? rows.options().dtype(torch::kByte) : rows.options());
    padded.narrow(0, 0, rows.size(0)).copy_(rows);
    std::vector<torch::Tensor> parts;
    if (padded.numel() > 0) parts = gather_equal(padded);
    for (size_t i = 0; i < parts.size(); ++i)
      parts[i] = parts[i].narrow(0, 0, counts[i].item<int64_t>());
    const auto all = parts.empty() ? padded : torch::cat(parts);
    return flags ? all.to(torch::kBool) : all;
  }

  // Through the store: what differs in length would end a collective call without an exception.
  std::vector<std::string> exchange(const std::string& text) override {
    const Watch::Waiting waiting(*watch_);
    const int64_t number = exchanges_++;
    const auto key = [&](int64_t rank) { return fmt::format("exchange/{}/{}", number, rank); };
    const auto start = TrafficMeter::Clock::now();
    keys_->set(key(rank()), text);
    std::vector<std::string> texts;
    while (static_cast<int64_t>(texts.size()) < size()) {
      if (auto found = ask_keys(key(static_cast<int64_t>(texts.size())))) {
        texts.push_back(std::move(*found));
        continue;
      }
      watch_->check();
      if (TrafficMeter::Clock::now() - start > options_.collective_timeout)
        throw ProcessLost(name(static_cast<int64_t>(texts.size())) +
                          " does not come to where the others wait for it");
      std::this_thread::sleep_for(milliseconds(1));
    }
    traffic_->waited_since(start);
    return texts;
  }

  std::unique_ptr<GradientSum> gradient_sum(const std::vector<torch::Tensor>& parameters) override {
    std::vector<torch::Tensor> trained;
    std::string shapes;
    for (const auto& parameter : parameters) {
      if (!parameter.requires_grad()) continue;
      trained.push_back(parameter);
      shapes += fmt::format("{} {};", c10::toString(parameter.scalar_type()),
                            c10::str(parameter.sizes()));
    }
    const auto all = exchange(std::to_string(std::hash<std::string>()(shapes)));
    for (size_t i = 0; i < all.size(); ++i)
      if (all[i] != all.front())
        throw std::runtime_error(
            fmt::format("{} trains a model of other shapes than {}: start all with the same recipe",
                        name(static_cast<int64_t>(i)), name(0)));
    if (trained.empty()) return {};
    return make_c10d_gradient_sum(trained, group_, watch_, traffic_, options_.bf16_gradients);
  }

 private:
  bool holds_store() const { return rank() == 0 && !environment_.launcher_keeps_store; }

  bool has_own_gpu() const {
    return static_cast<int64_t>(torch::cuda::device_count()) >=
           std::max<int64_t>(environment_.local_size, 1);
  }

  /// Each with each, from the address that leads to process 0.
  void connect() {
    using Gloo = c10d::ProcessGroupGloo;
    const Watch::Waiting waiting(*watch_);
    const auto store = keys_->store();
    const int rank = static_cast<int>(this->rank()), size = static_cast<int>(this->size());
    auto options = Gloo::Options::create(options_.timeout);
    const char* const chosen = std::getenv("GLOO_SOCKET_IFNAME");
    options->devices = {chosen != nullptr ? Gloo::createDeviceForInterface(chosen)
                                          : Gloo::createDeviceForHostname(own_address_)};
    try {
      const auto gloo = c10::make_intrusive<Gloo>(store, rank, size, options);
      gloo->setTimeout(options_.collective_timeout);
      const auto backend = watched(gloo, watch_);
      group_ = c10::make_intrusive<c10d::ProcessGroup>(store, rank, size);
      using enum c10d::ProcessGroup::BackendType;
      group_->setBackend(torch::kCPU, GLOO, backend);
#if defined(ZOO_NCCL)
      if (options_.cuda && has_own_gpu())
        group_->setBackend(torch::kCUDA, NCCL,
                           make_nccl(store, rank, size, options_.collective_timeout));
      else
#endif
        group_->setBackend(torch::kCUDA, GLOO, backend);  // by way of the CPU
      group_->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format(
          "{} cannot connect to the others from {}: {}; if the network is another one, "
          "name its interface with GLOO_SOCKET_IFNAME",
          processes_[static_cast<size_t>(rank)].name(), own_address_, message_of(error)));
    }
  }

  /// Starts a call of all processes and waits for it; a fault ends the wait.
  template <class Start>
  void wait(Start&& start, size_t bytes) {
    const Watch::Waiting waiting(*watch_);
    watch_->check();
    const auto began = TrafficMeter::Clock::now();
    traffic_->count(static_cast<int64_t>(bytes));
    start()->wait();
    traffic_->waited_since(began);
  }

  /// Tensors of one type and device travel together.
  template <class Travel>
  void in_chunks(const std::vector<torch::Tensor>& tensors, Travel&& travel) {
    const torch::NoGradGuard no_grad;
    std::map<std::string, std::vector<torch::Tensor>> kinds;
    for (const auto& tensor : tensors)
      if (tensor.numel() > 0)
        kinds[fmt::format("{}{}", c10::toString(tensor.scalar_type()), tensor.device().str())]
            .push_back(tensor);
    for (const auto& [kind, members] : kinds) {
      for (size_t i = 0; i < members.size();) {
        size_t end = i, bytes = 0;
        while (end < members.size() && (end == i || bytes + members[end].nbytes() <= kChunkBytes))
          bytes += members[end++].nbytes();
        travel_together({members.begin() + static_cast<std::ptrdiff_t>(i),
                         members.begin() + static_cast<std::ptrdiff_t>(end)},
                        travel);
        i = end;
      }
    }
  }

  template <class Travel>
  static void travel_together(std::vector<torch::Tensor> members, Travel&& travel) {
    if (members.size() == 1 && members.front().is_contiguous()) return travel(members.front());
    std::vector<torch::Tensor> flat;
    for (const auto& member : members) flat.push_back(member.reshape({-1}));
    auto chunk = torch::cat(flat);
    travel(chunk);
    int64_t at = 0;
    for (auto& member : members) {
      member.copy_(chunk.narrow(0, at, member.numel()).view(member.sizes()));
      at += member.numel();
    }
  }

  std::vector<torch::Tensor> gather_equal(const torch::Tensor& part) {
    std::vector<std::vector<torch::Tensor>> parts(1);
    for (int64_t i = 0; i < size(); ++i) parts.front().push_back(torch::empty_like(part));
    std::vector<torch::Tensor> own{part};
    wait([&] { return group_->allgather(parts, own); },
         part.nbytes() * static_cast<size_t>(size()));
    return parts.front();
  }

  std::optional<std::string> ask_keys(const std::string& key) {
    try {
      return keys_->get(key);
    } catch (const std::runtime_error& error) {
      throw ProcessLost(watch_->explain(message_of(error)));
    }
  }

  static constexpr milliseconds kLinger{3000};

  const ProcessEnvironment environment_;
  const ProcessOptions options_;
  const int exceptions_ = std::uncaught_exceptions();
  std::unique_ptr<C10dStore> store_, keys_;
  std::string own_address_;
  std::vector<ProcessIdentity> processes_;
  Group group_;
  std::shared_ptr<Watch> watch_;
  std::shared_ptr<TrafficMeter> traffic_ = std::make_shared<TrafficMeter>();
  std::optional<Watch::Waiting> always_waiting_;
  int64_t exchanges_ = 0;
};

/// Torch logs every address that it tries in vain, and each error with a backtrace before it
/// throws.
void keep_torch_quiet() {
  constexpr int kFatal = 3;
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = kFatal;
}

}  // namespace

bool can_join_processes() { return true; }

std::unique_ptr<Processes> join_processes(const ProcessEnvironment& environment,
                                          const ProcessOptions& options) {
  keep_torch_quiet();
  return std::make_unique<C10dProcesses>(environment, options);
}

}  // namespace zoo
