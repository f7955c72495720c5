#include "train/processes/c10d_gradient_sum.h"

#include <algorithm>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <utility>

namespace zoo {
namespace {

using c10::ivalue::Future;

constexpr int64_t kFirstBucketBytes = 1 << 20, kBucketBytes = 25 << 20;  // torch's

struct HookState {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  std::shared_ptr<Watch> watch;
  std::shared_ptr<TrafficMeter> traffic;
  bool bf16 = false;
  TrafficMeter::Clock::time_point last_bucket = {};
};

/// Sums without the Reducer's division.
class SumHook final : public c10d::CppCommHookInterface<std::shared_ptr<HookState>> {
 public:
  using CppCommHookInterface::CppCommHookInterface;

  c10::intrusive_ptr<Future> runHook(c10d::GradBucket& bucket) override {
    const auto buffer = bucket.getBuffer();
    const bool narrow = state_->bf16 && buffer.scalar_type() != torch::kBFloat16;
    std::vector<torch::Tensor> sent{narrow ? buffer.to(torch::kBFloat16) : buffer};
    state_->traffic->count(static_cast<int64_t>(sent.front().nbytes()));
    const auto done = state_->group->allreduce(sent)->getFuture();
    state_->last_bucket = TrafficMeter::Clock::now();
    const auto sum = [narrow, buffer, wide = sent.front()](Future& summed) {
      summed.value();  // throws if a process is lost
      return c10::IValue(narrow ? buffer.copy_(wide) : wide);
    };
    return done->then(sum, c10::TensorType::get());
  }
};

class WatchedReducer final : public c10d::Reducer {
 public:
  using Reducer::Reducer;
  /// After prepare_for_backward().
  bool uses_nothing() const { return unused_parameters_.size() == params_.size(); }
  bool is_complete() const { return !require_finalize_; }
};

class C10dGradientSum final : public GradientSum {
 public:
  C10dGradientSum(const std::vector<torch::Tensor>& parameters, std::shared_ptr<HookState> state)
      : state_(std::move(state)), anchor_(torch::zeros({1}, parameters.front().options())) {
    anchor_.set_requires_grad(true);
    auto all = parameters;
    all.push_back(anchor_);
    auto buckets = std::get<0>(
        c10d::compute_bucket_assignment_by_size(all, {kFirstBucketBytes, kBucketBytes}));
    std::ranges::reverse(buckets);  // gradients come in about the opposite order
    reducer_ = std::make_unique<WatchedReducer>(
        all, buckets, state_->group, std::vector<bool>(all.size(), false), kBucketBytes,
        /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/false,
        std::unordered_map<size_t, std::string>(), kFirstBucketBytes,
        /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
        std::vector<int64_t>());
    reducer_->register_comm_hook(std::make_unique<SumHook>(state_));
  }

  void begin(const torch::Tensor& loss) override {
    state_->watch->check();
    waiting_.emplace(*state_->watch);
    if (loss.defined()) reducer_->prepare_for_backward({loss});
    if (loss.defined() && !reducer_->uses_nothing()) return;
    const auto nothing = anchor_.sum();
    reducer_->prepare_for_backward({nothing});
    nothing.backward();
  }

  void finish() override {
    waiting_.reset();
    anchor_.mutable_grad().reset();
    state_->traffic->waited_since(state_->last_bucket);
    TORCH_CHECK(reducer_->is_complete(),
                "the backward pass has reached only some of the parameters that the loss uses");
  }

 private:
  std::shared_ptr<HookState> state_;
  torch::Tensor anchor_;
  std::unique_ptr<WatchedReducer> reducer_;
  std::optional<Watch::Waiting> waiting_;
};

}  // namespace

std::unique_ptr<GradientSum> make_c10d_gradient_sum(
    const std::vector<torch::Tensor>& parameters,
    const c10::intrusive_ptr<c10d::ProcessGroup>& group, const std::shared_ptr<Watch>& watch,
    const std::shared_ptr<TrafficMeter>& traffic, bool bf16) {
  auto state = std::make_shared<HookState>();
  state->group = group;
  state->watch = watch;
  state->traffic = traffic;
  state->bf16 = bf16;
  return std::make_unique<C10dGradientSum>(parameters, std::move(state));
}

}  // namespace zoo
