// Times the activation functions of the zoo against torch's operators, in turn, in one process.
//   activation_bench [--numbers N] [--threads N] [--seconds S]
// Prints a line for each: milliseconds of either and the ratio torch / zoo, forward alone and
// forward + backward.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/text_table.h"
#include "models/device.h"
#include "models/layers/activate.h"

namespace {

using zoo::Activation;

struct Options {
  int64_t numbers = 768 * 512, threads = 0;
  double seconds = 1.0;
};

template <class Visitor>
void visit(Options& o, Visitor&& v) {
  v("numbers", o.numbers, "Numbers in the tensor; the default: a batch of gpt-shakespeare-cpu");
  v("threads", o.threads, "Threads; 0: all cores");
  v("seconds", o.seconds, "Timing for each function and pass");
}

torch::Tensor by_torch(const torch::Tensor& x, Activation f) {
  switch (f) {
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kGeluTanh:
      return torch::gelu(x, "tanh");
    case Activation::kSilu:
      return torch::silu(x);
    default:
      return x * torch::sigmoid(x * 1.702);  // kQuickGelu
  }
}

/// Median milliseconds of either, called in turn.
std::array<double, 2> compare(double seconds,
                              const std::array<std::function<void()>, 2>& contenders) {
  std::array<std::vector<double>, 2> times;
  for (const auto& contender : contenders) contender();
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto began = now();
  while (times[0].size() < 3 || std::chrono::duration<double>(now() - began).count() < seconds) {
    for (size_t i = 0; i < 2; ++i) {
      const auto start = now();
      contenders[i]();
      times[i].push_back(std::chrono::duration<double, std::milli>(now() - start).count());
    }
  }
  return {zoo::median(times[0]), zoo::median(times[1])};
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("activation_bench", [&] {
    Options options;
    zoo::CommandLine app{"Times the activation functions against torch's operators",
                         "activation_bench"};
    zoo::add_options(app, "Comparison", options);
    zoo::parse(app, argc, argv);
    if (options.numbers <= 0) throw zoo::UsageError("--numbers must be positive");
    if (options.threads < 0)
      throw zoo::UsageError("--threads must not be negative; 0 uses all cores");
    if (!(options.seconds > 0.0 && options.seconds < 1e6))
      throw zoo::UsageError("--seconds must be above 0 and below a million");
    zoo::set_threads(options.threads);
    const auto x = torch::randn({options.numbers}).requires_grad_(true);
    const auto dy = torch::randn({options.numbers});
    fmt::print("{:<12} {:^24} {:^24}\n", "", "forward", "forward+backward");
    fmt::print(
        "{:<12}{}\n", "",
        fmt::format("{0:>9} {1:>8} {2:>6}{0:>10} {1:>8} {2:>6}", "zoo ms", "torch ms", "ratio"));
    for (const Activation f :
         {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kSilu}) {
      std::string line = fmt::format("{:<12}", zoo::name_of(f));
      for (const bool backward : {false, true}) {
        const auto run = [&](auto function) {
          return [&, function] {
            const at::AutoGradMode mode(backward);
            const auto y = function(x, f);
            if (backward) torch::autograd::grad({y}, {x}, {dy});
          };
        };
        const auto [ours, torchs] = compare(options.seconds, {run(zoo::activate), run(by_torch)});
        line += fmt::format(" {:8.3f} {:8.3f} {:6.2f}", ours, torchs, torchs / ours);
      }
      fmt::print("{}\n", line);
    }
    return 0;
  });
}
