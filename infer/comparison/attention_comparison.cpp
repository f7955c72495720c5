// Measuring: references, errors, interleaved timing.
#include "infer/comparison/attention_comparison.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>
#include <torch/autograd.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "base/interrupt.h"
#include "base/text_table.h"
#include "infer/comparison/memory_meter.h"
#include "models/attention/attend.h"
#include "models/attention/kernels/flash_tiles.h"

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void wait_for(torch::Device device) {
  if (!device.is_cpu())
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

struct Inputs {
  torch::Tensor q, k, v, upstream;
};

Inputs random_inputs(const AttentionShape& shape, const ComparisonOptions& options) {
  const auto normal = [&](int64_t heads, int64_t length) {
    return torch::randn({shape.B, heads, length, shape.Dh}).to(options.device, options.dtype);
  };
  Inputs inputs;
  inputs.q = normal(shape.H, shape.T);
  inputs.k = normal(shape.Hkv, shape.S);
  inputs.v = normal(shape.Hkv, shape.S);
  inputs.upstream = normal(shape.H, shape.T);
  return inputs;
}

/// The output, and with backward dq, dk, dv.
using Outputs = std::vector<torch::Tensor>;

Outputs call(const AttentionKernel& kernel, const Inputs& inputs, bool causal, Pass pass) {
  const AttendArgs args{.causal = causal};
  if (pass == Pass::kForward) {
    const torch::NoGradGuard no_grad;
    return {attend(kernel, inputs.q, inputs.k, inputs.v, args)};
  }
  const auto leaf = [](const torch::Tensor& t) { return t.detach().requires_grad_(true); };
  const auto q = leaf(inputs.q), k = leaf(inputs.k), v = leaf(inputs.v);
  const auto y = attend(kernel, q, k, v, args);
  Outputs outputs = torch::autograd::grad({y}, {q, k, v}, {inputs.upstream});
  outputs.insert(outputs.begin(), y.detach());
  return outputs;
}

/// In float64 by the formula, one key-value head at a time to save memory.
Outputs reference(const Inputs& inputs, bool causal, Pass pass) {
  const auto& formula = attention_kernel("matmul");
  const int64_t heads = inputs.k.size(1), group = inputs.q.size(1) / heads;
  std::vector<Outputs> rows;
  for (int64_t b = 0; b < inputs.q.size(0); ++b) {
    std::vector<Outputs> parts;
    for (int64_t h = 0; h < heads; ++h) {
      const auto part = [&](const torch::Tensor& t, int64_t first, int64_t count) {
        return t.narrow(0, b, 1).narrow(1, first, count).to(torch::kCPU, torch::kDouble);
      };
      parts.push_back(call(formula,
                           {part(inputs.q, h * group, group), part(inputs.k, h, 1),
                            part(inputs.v, h, 1), part(inputs.upstream, h * group, group)},
                           causal, pass));
    }
    rows.emplace_back();
    for (size_t i = 0; i < parts.front().size(); ++i) {
      std::vector<torch::Tensor> pieces;
      for (const Outputs& some : parts) pieces.push_back(some[i]);
      rows.back().push_back(torch::cat(pieces, 1));
    }
  }
  Outputs whole;
  for (size_t i = 0; i < rows.front().size(); ++i) {
    std::vector<torch::Tensor> pieces;
    for (const Outputs& row : rows) pieces.push_back(row[i]);
    whole.push_back(torch::cat(pieces, 0));
  }
  return whole;
}

double largest_error(const Outputs& got, const Outputs& wanted) {
  double error = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double here =
        (got[i].to(torch::kCPU, torch::kDouble) - wanted[i]).abs().max().item<double>();
    error = std::isnan(here) ? here : std::max(error, here);
  }
  return error;
}

/// Which of torch's attention operators runs while it lives.
class OperatorWatch {
 public:
  OperatorWatch() {
    seen_.clear();
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback([](const at::RecordFunction& function)
                                       -> std::unique_ptr<at::ObserverContext> {
          const std::string name = function.name();
          constexpr std::string_view kInner = "aten::_scaled_dot_product_";
          if (name.starts_with(kInner) && seen_.empty()) seen_ = name.substr(kInner.size());
          return nullptr;
        }).scopes({at::RecordScope::FUNCTION}));
  }
  ~OperatorWatch() { at::removeCallback(handle_); }
  OperatorWatch(const OperatorWatch&) = delete;
  OperatorWatch& operator=(const OperatorWatch&) = delete;

  /// The first, which is the forward one: "flash_attention_for_cpu", "attention_math", ...
  static std::string seen() { return seen_; }

 private:
  static thread_local std::string seen_;
  at::CallbackHandle handle_;
};
thread_local std::string OperatorWatch::seen_;

/// One case: all kernels on the same inputs.
class CaseRunner {
 public:
  CaseRunner(const ComparisonOptions& options, const AttentionShape& shape, bool causal, Pass pass)
      : options_(options), shape_(shape), causal_(causal), pass_(pass) {
    inputs_ = random_inputs(shape, options);
  }

  std::vector<ComparisonResult> run(const Machine& machine) {
    const Outputs exact = reference(inputs_, causal_, pass_);
    const double torch_error =
        largest_error(call(attention_kernel("torch"), inputs_, causal_, pass_), exact);
    for (const std::string& name : options_.kernels) runners_.push_back(first_call(name, exact));
    time();
    std::vector<ComparisonResult> results;
    const double operations =
        shape_.operations(causal_) * (pass_ == Pass::kForward ? 1.0 : 3.5) / 1e9;
    for (Runner& runner : runners_) {
      ComparisonResult& result = runner.result;
      result.torch_error = torch_error;
      if (!runner.times.empty()) {
        result.seconds = median(runner.times);
        result.gflops = operations / result.seconds;
        result.peak_share = machine.matmul_gflops > 0 ? result.gflops / machine.matmul_gflops : 0;
      }
      results.push_back(result);
    }
    return results;
  }

 private:
  struct Runner {
    const AttentionKernel* kernel = nullptr;
    ComparisonResult result = {};
    std::vector<double> times = {};
    double spent = 0;
    int64_t calls = 1;  ///< for each time
  };

  Runner first_call(const std::string& name, const Outputs& exact) const {
    Runner runner{.kernel = &attention_kernel(name)};
    ComparisonResult& result = runner.result;
    result = {.kernel = name, .shape = shape_, .causal = causal_, .pass = pass_};
    {
      const torch::AutoGradMode gradients(pass_ != Pass::kForward);
      const auto as_input = [&](const torch::Tensor& t) {
        return t.detach().requires_grad_(pass_ != Pass::kForward);
      };
      result.refused = runner.kernel->refuses(as_input(inputs_.q), as_input(inputs_.k),
                                              as_input(inputs_.v), {.causal = causal_});
    }
    if (!result.refused.empty()) return runner;
    std::optional<OperatorWatch> watch;
    if (name == "torch") watch.emplace();
    Outputs outputs;
    double seconds = 0;
    // A GPU loads a kernel on its first call.
    if (!options_.device.is_cpu()) call(*runner.kernel, inputs_, causal_, pass_);
    wait_for(options_.device);
    {
      const MemoryMeter memory(options_.device);
      const auto began = Clock::now();
      outputs = call(*runner.kernel, inputs_, causal_, pass_);
      wait_for(options_.device);
      seconds = seconds_since(began);
      result.peak_bytes = memory.peak();
    }
    if (watch) result.torch_kernel = OperatorWatch::seen();
    result.max_error = largest_error(outputs, exact);
    // Several calls at a time: a short call alone would measure the latency of a GPU.
    if (!options_.device.is_cpu())
      runner.calls = std::clamp<int64_t>(static_cast<int64_t>(0.01 / seconds), 1, 200);
    // A kernel that takes that long is timed once.
    if (seconds > options_.seconds) {
      runner.times.push_back(seconds);
      runner.spent = seconds;
    }
    return runner;
  }

  double time_calls(const Runner& runner) const {
    const auto began = Clock::now();
    for (int64_t n = 0; n < runner.calls; ++n) call(*runner.kernel, inputs_, causal_, pass_);
    wait_for(options_.device);
    return seconds_since(began);
  }

  // In turns, so that disturbances of the machine affect all kernels alike.
  void time() {
    for (bool busy = true; busy && !InterruptGuard::requested();) {
      busy = false;
      for (Runner& runner : runners_) {
        const bool enough = runner.spent >= options_.seconds;
        if (!runner.result.refused.empty() || enough) continue;
        const double seconds = time_calls(runner);
        runner.times.push_back(seconds / static_cast<double>(runner.calls));
        runner.spent += seconds;
        busy = true;
      }
    }
  }

  const ComparisonOptions& options_;
  AttentionShape shape_;
  bool causal_;
  Pass pass_;
  Inputs inputs_;
  std::vector<Runner> runners_;
};

/// The value after "key ... : " in a system file; empty if there is none.
std::string value_in(const std::filesystem::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t at = line.find_first_not_of(" \t", line.find(':') + 1);
    return at == std::string::npos ? "" : line.substr(at);
  }
  return {};
}

/// The driver does not tell which GPU is "cuda:0": if they differ, none is named.
std::string gpu_name() {
  std::set<std::string> names;
  std::error_code none;
  for (const auto& gpu : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", none)) {
    names.insert(value_in(gpu.path() / "information", "Model"));
  }
  return names.size() == 1 ? *names.begin() : "GPU";
}

std::string cpu_name() {
  const std::string name = value_in("/proc/cpuinfo", "model name");
  return name.empty() ? "CPU" : name;
}

}  // namespace

std::string summary_of(const Machine& machine) {
  if (machine.device != "cpu") return machine.processor;
  return fmt::format("{}, {} thread{}, SIMD {}", machine.processor, machine.threads,
                     machine.threads == 1 ? "" : "s", machine.instruction_set);
}

std::string_view name_of(Pass pass) {
  return pass == Pass::kForward ? "forward" : "forward+backward";
}

Machine measure_machine(torch::Dtype dtype, torch::Device device) {
  // Types that a CPU emulates would take minutes at full size.
  const bool imitated = device.is_cpu() && dtype != torch::kFloat && dtype != torch::kDouble;
  const int64_t size = imitated ? 512 : device.is_cpu() ? 2048 : 8192;
  Machine machine{.processor = device.is_cpu() ? cpu_name() : gpu_name(),
                  .device = device.str(),
                  .instruction_set = flash::instruction_set(),
                  .torch_version = TORCH_VERSION,
                  .threads = at::get_num_threads(),
                  .matmul_size = size};
  const torch::NoGradGuard no_grad;
  const auto matrix = torch::randn({size, size}).to(device, dtype);
  torch::matmul(matrix, matrix);
  wait_for(device);
  std::vector<double> times;
  for (int n = 0; n < 5; ++n) {
    const auto began = Clock::now();
    torch::matmul(matrix, matrix);
    wait_for(device);
    times.push_back(seconds_since(began));
  }
  machine.matmul_gflops = 2.0 * std::pow(static_cast<double>(size), 3) / median(times) / 1e9;
  return machine;
}

std::vector<ComparisonResult> compare_attention(const ComparisonOptions& options,
                                                const Machine& machine,
                                                const ComparisonWatch& watch) {
  std::vector<ComparisonResult> results;
  const auto count =
      static_cast<int64_t>(options.shapes.size() * options.causal.size() * options.passes.size());
  int64_t done = 0;
  for (const AttentionShape& shape : options.shapes) {
    for (const bool causal : options.causal) {
      for (const Pass pass : options.passes) {
        if (InterruptGuard::requested()) return results;
        watch(done++, count,
              fmt::format("{} {} {}", shape.text(), causal ? "causal" : "full", name_of(pass)));
        for (ComparisonResult& result : CaseRunner(options, shape, causal, pass).run(machine))
          results.push_back(std::move(result));
      }
    }
  }
  return results;
}

std::optional<double> fitted_exponent(const std::vector<std::pair<double, double>>& points) {
  constexpr size_t kLast = 4;  // other costs dominate at short lengths
  const size_t first = points.size() > kLast ? points.size() - kLast : 0;
  double n = 0, x_sum = 0, y_sum = 0, xx = 0, xy = 0;
  for (size_t i = first; i < points.size(); ++i) {
    const double x = std::log(points[i].first), y = std::log(points[i].second);
    n += 1, x_sum += x, y_sum += y, xx += x * x, xy += x * y;
  }
  const double spread = n * xx - x_sum * x_sum;
  if (n < 2 || spread <= 0) return {};
  return (n * xy - x_sum * y_sum) / spread;
}

}  // namespace zoo
