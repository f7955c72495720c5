// torch calls back before and after each operator (as its profiler is called). A weight may be seen
// through a view first: torch's linear layer multiplies by weight.t().
#include "infer/analysis/module_watch.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

namespace zoo {
namespace {

constexpr std::array<std::string_view, 7> kReaders = {
    "aten::linear",     "aten::addmm",    "aten::matmul",   "aten::conv2d",
    "aten::layer_norm", "aten::rms_norm", "aten::embedding"};
constexpr std::array<std::string_view, 3> kViews = {"aten::t", "aten::flatten", "aten::reshape"};

struct Watch {
  std::map<const c10::TensorImpl*, std::string> names;  // of weights, and of views of them
  std::vector<torch::Tensor> views;                     // kept, so that no other has their address
  std::vector<ModuleOutput> outputs;
  int64_t inside = 0;  // readers that have begun: what they call is theirs
};
thread_local Watch* the_watch = nullptr;

struct Reading : at::ObserverContext {
  std::string weight, reader;
  bool is_view = false;
};

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::ranges::find(names, name) != names.end();
}

std::unique_ptr<at::ObserverContext> begin_reading(const at::RecordFunction& op) {
  Watch* const watch = the_watch;
  const std::string_view name = op.name();
  const bool is_view = is_one_of(name, kViews);
  if (watch == nullptr || watch->inside > 0 || !(is_view || is_one_of(name, kReaders)))
    return nullptr;
  for (const auto& input : op.inputs()) {
    if (!input.isTensor()) continue;
    const auto found = watch->names.find(input.toTensor().unsafeGetTensorImpl());
    if (found == watch->names.end()) continue;
    auto reading = std::make_unique<Reading>();
    reading->weight = found->second;
    reading->reader = name.substr(name.find("::") + 2);
    reading->is_view = is_view;
    ++watch->inside;
    return reading;
  }
  return nullptr;
}

void end_reading(const at::RecordFunction& op, at::ObserverContext* context) {
  auto* const reading = static_cast<Reading*>(context);
  if (reading == nullptr || the_watch == nullptr) return;
  Watch& watch = *the_watch;
  --watch.inside;
  if (op.outputs().empty() || !op.outputs()[0].isTensor()) return;  // it threw
  const torch::Tensor output = op.outputs()[0].toTensor();
  if (reading->is_view) {
    watch.names[output.unsafeGetTensorImpl()] = reading->weight;
    watch.views.push_back(output);
  } else {
    watch.outputs.push_back({reading->weight, reading->reader, output});
  }
}

/// Watches while it lives.
class Watching {
 public:
  explicit Watching(Watch& watch) {
    the_watch = &watch;
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(begin_reading, end_reading)
                                             .needsInputs(true)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching() {
    at::removeCallback(handle_);
    the_watch = nullptr;
  }

 private:
  at::CallbackHandle handle_;
};

}  // namespace

std::vector<ModuleOutput> watch_modules(const torch::nn::Module& model,
                                        const std::function<void()>& pass) {
  Watch watch;
  for (const auto& parameter : model.named_parameters())  // of two names the first holds
    if (parameter.key().ends_with("weight"))
      watch.names.emplace(parameter.value().unsafeGetTensorImpl(), parameter.key());
  {
    const Watching watching(watch);
    pass();
  }
  for (auto& one : watch.outputs) one.output = one.output.detach();
  return std::move(watch.outputs);
}

}  // namespace zoo
