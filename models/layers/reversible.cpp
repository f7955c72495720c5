// An autograd function over the whole stack. It keeps its two outputs and the generators' states.
#include "models/layers/reversible.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/ivalue.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "models/experts/expert_statistics.h"
#include "models/layers/auxiliary_losses.h"
#include "models/layers/batch_shard.h"
#include "models/layers/generators.h"

namespace zoo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Autocast as it is for a kind of device; apply() makes it so again. Casts of weights are not
/// cached: one made without gradients would cut the weight off, and one that has been
/// differentiated cannot be again.
struct Autocast {
  torch::DeviceType device;
  bool enabled, caches;
  torch::ScalarType dtype;

  static Autocast now(torch::DeviceType device) {
    return {.device = device,
            .enabled = at::autocast::is_autocast_enabled(device),
            .caches = at::autocast::is_autocast_cache_enabled(),
            .dtype = at::autocast::get_autocast_dtype(device)};
  }
  void apply() const {
    at::autocast::set_autocast_enabled(device, enabled);
    at::autocast::set_autocast_dtype(device, dtype);
    at::autocast::set_autocast_cache_enabled(caches);
  }
};

class AutocastAs {
 public:
  explicit AutocastAs(Autocast wanted) : before_(Autocast::now(wanted.device)) {
    wanted.caches = false;
    wanted.apply();
  }
  ~AutocastAs() { before_.apply(); }
  AutocastAs(const AutocastAs&) = delete;
  AutocastAs& operator=(const AutocastAs&) = delete;

 private:
  Autocast before_;
};

/// What a pass keeps beside its outputs.
struct ReversiblePass : torch::CustomClassHolder {
  std::vector<ReversibleBranch> branches;
  std::vector<GeneratorStates> generators;  // before each branch
  Autocast autocast;
  AuxiliaryRerun auxiliary;
  std::optional<BatchShard> shard;  // of the batch; backward may run on another thread

  ReversiblePass(std::vector<ReversibleBranch> all, torch::DeviceType device)
      : branches(std::move(all)), autocast(Autocast::now(device)) {
    if (const auto* const now = BatchShardGuard::current(); now != nullptr) shard = *now;
  }

  /// Branches that draw nothing share a state.
  void keep_generators(torch::Device device) {
    auto now = generator_states(device);
    const bool same =
        !generators.empty() && std::ranges::equal(now, generators.back(), torch::equal);
    generators.push_back(same ? generators.back() : std::move(now));
  }
};

size_t tensors_of(const ReversibleBranch& branch) {
  return branch.inputs.size() + branch.parameters.size();
}

torch::Tensor sum_of(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

/// Branch n in the conditions of the first pass.
torch::Tensor run_again(const ReversiblePass& pass, size_t n, const torch::Tensor& x,
                        const variable_list& inputs) {
  const GeneratorStates later = generator_states(x.device());
  restore_generators(pass.generators[n], x.device());
  torch::Tensor y;
  {
    const torch::AutoGradMode with_gradients(true);
    const AutocastAs autocast(pass.autocast);
    const AuxiliaryRerun::Second again(pass.auxiliary);
    std::optional<BatchShardGuard> rows;
    if (pass.shard) rows.emplace(*pass.shard);
    const ExpertStatistics::Pause counted;
    y = pass.branches[n].f(x, inputs);
  }
  restore_generators(later, x.device());
  return y;
}

torch::Tensor leaf_of(const torch::Tensor& t) {
  return t.detach().requires_grad_(t.requires_grad());
}

/// Computes branch n at x once more, and with `dy` the gradients of x, of its inputs and of its
/// parameters.
struct Recomputed {
  torch::Tensor y, dx;
};
Recomputed recompute(const ReversiblePass& pass, size_t n, const torch::Tensor& x,
                     const torch::Tensor& dy, torch::Tensor* gradients) {
  const auto& branch = pass.branches[n];
  variable_list inputs;
  for (const auto& input : branch.inputs) inputs.push_back(leaf_of(input));
  const auto from = x.detach().requires_grad_(true);
  const auto y = run_again(pass, n, from, inputs);
  if (!dy.defined() || !y.requires_grad()) return {y.detach(), {}};
  variable_list leaves{from};
  std::vector<size_t> places;
  size_t place = 0;
  for (const variable_list* list :
       std::initializer_list<const variable_list*>{&inputs, &branch.parameters}) {
    for (const auto& leaf : *list) {
      if (leaf.requires_grad()) {
        leaves.push_back(leaf);
        places.push_back(place);
      }
      ++place;
    }
  }
  const auto found = torch::autograd::grad({y}, leaves, {dy.to(y.scalar_type())}, {}, false,
                                           /*allow_unused=*/true);
  for (size_t i = 0; i < places.size(); ++i) gradients[places[i]] = found[i + 1];
  return {y.detach(), found[0]};
}

class ReversibleFunction : public torch::autograd::Function<ReversibleFunction> {
 public:
  // `tensors`: inputs and parameters of all branches, which autograd must know.
  static variable_list forward(AutogradContext* context,
                               const c10::intrusive_ptr<ReversiblePass>& pass,
                               const torch::Tensor& x1, const torch::Tensor& x2,
                               const at::TensorList& /*tensors*/) {
    torch::Tensor next = x1.clone(), other = x2.clone();
    for (const ReversibleBranch& branch : pass->branches) {
      pass->keep_generators(x1.device());
      next = next + branch.f(other, branch.inputs);  // Eq. 9
      std::swap(next, other);
    }
    context->save_for_backward({next, other});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return pass->branches.size() % 2 == 0 ? variable_list{next, other} : variable_list{other, next};
  }

  static variable_list backward(AutogradContext* context, const variable_list& dy) {
    TORCH_CHECK(!torch::GradMode::is_enabled(),
                "reversible layers cannot be differentiated twice; build the model without "
                "reversible");
    const auto pass = c10::static_intrusive_pointer_cast<ReversiblePass>(
        context->saved_data.at("pass").toCapsule());
    const auto saved = context->get_saved_variables();
    const bool even = pass->branches.size() % 2 == 0;
    torch::Tensor next = saved[0].detach(), other = saved[1].detach();
    torch::Tensor d_next = dy[even ? 0 : 1], d_other = dy[even ? 1 : 0];
    size_t first = 3;  // gradients: of the pass (none), x1, x2, tensors
    for (const ReversibleBranch& branch : pass->branches) first += tensors_of(branch);
    variable_list gradients(first);
    for (size_t n = pass->branches.size(); n-- > 0;) {
      std::swap(next, other);
      std::swap(d_next, d_other);
      first -= tensors_of(pass->branches[n]);
      const auto again = recompute(*pass, n, other, d_next, gradients.data() + first);
      next = next - again.y;  // Eq. 10
      d_other = sum_of(d_other, again.dx);
    }
    gradients[1] = d_next;
    gradients[2] = d_other;
    return gradients;
  }
};

}  // namespace

std::pair<torch::Tensor, torch::Tensor> reversible_branches(std::vector<ReversibleBranch> branches,
                                                            const torch::Tensor& x1,
                                                            const torch::Tensor& x2) {
  TORCH_CHECK(x1.sizes() == x2.sizes(), "reversible_branches: x1 and x2 must have one shape, got ",
              x1.sizes(), " and ", x2.sizes());
  std::vector<torch::Tensor> all;
  for (const ReversibleBranch& branch : branches)
    for (const auto* list : {&branch.inputs, &branch.parameters})
      all.insert(all.end(), list->begin(), list->end());
  const auto pass = c10::make_intrusive<ReversiblePass>(std::move(branches), x1.device().type());
  const AuxiliaryRerun::First first;
  const AutocastAs no_cache(pass->autocast);
  const auto y = ReversibleFunction::apply(pass, x1, x2, at::TensorList(all));
  return {y[0], y[1]};
}

ReversibleStreams::ReversibleStreams(const torch::Tensor& h, bool keeps)
    : keeps_(keeps || !torch::GradMode::is_enabled()) {
  // A sum in half precision could not be undone.
  const bool half = h.scalar_type() == torch::kBFloat16 || h.scalar_type() == torch::kHalf;
  const bool casts = at::autocast::is_autocast_enabled(h.device().type());
  next_ = other_ = half && casts ? h.to(torch::kFloat) : h;
}

void ReversibleStreams::add(ReversibleBranch branch) {
  if (!keeps_) {
    branches_.push_back(std::move(branch));
    return;
  }
  next_ = next_ + branch.f(other_, branch.inputs);
  std::swap(next_, other_);
}

torch::Tensor ReversibleStreams::mean() {
  if (!branches_.empty())
    std::tie(next_, other_) = reversible_branches(std::exchange(branches_, {}), next_, other_);
  return 0.5 * (next_ + other_);
}

}  // namespace zoo
