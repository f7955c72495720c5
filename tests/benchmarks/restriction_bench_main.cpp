// Times attention that sees a part of the keys against causal attention that sees all.
//   restriction_bench [--kernel NAME] [--length T] [--heads H] [--head-width Dh] [--window N]
//                     [--global-tokens N] [--block-size N] [--threads N]
// Prints a line for each restriction: the share of causal attention's pairs that it shows,
// milliseconds of forward and of forward + backward and these in those of causal attention, and the
// memory that forward + backward holds beyond inputs and outputs.
#include <fmt/format.h>
#include <torch/torch.h>

#include <chrono>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/text_table.h"
#include "infer/comparison/memory_meter.h"
#include "models/attention/block_layout.h"
#include "models/attention/mask.h"
#include "models/device.h"

namespace {

using zoo::AttendArgs;
using zoo::BlockPattern;

struct Options {
  std::string kernel = "flash";
  int64_t length = 8192, heads = 4, head_width = 64, window = 256, global_tokens = 4,
          block_size = 64, threads = 0;
  double seconds = 10.0;
};

template <class Visitor>
void visit(Options& o, Visitor&& v) {
  v("kernel", o.kernel, "Attention kernel");
  v("length", o.length, "T: tokens");
  v("heads", o.heads, "H: heads");
  v("head-width", o.head_width, "Dh: width of a head");
  v("window", o.window, "Tokens that a window shows");
  v("global-tokens", o.global_tokens, "Sinks of the window");
  v("block-size", o.block_size, "Tokens in a block of a layout");
  v("threads", o.threads, "Threads; 0: all cores");
  v("seconds", o.seconds, "Timing of each table column");
}

struct Contender {
  std::string name;
  AttendArgs args;
  double pairs = 0;
};

AttendArgs with_blocks(BlockPattern pattern, const Options& o) {
  zoo::BlockLayoutOptions layout{.pattern = pattern, .size = o.block_size};
  if (pattern != BlockPattern::kBigBird) layout.window_blocks = 8;
  return {.causal = true,
          .block_layout = zoo::block_layout(layout, o.length),
          .block_size = o.block_size};
}

std::vector<Contender> contenders_of(const Options& o) {
  std::vector<Contender> all{
      {"causal", {.causal = true}},
      {"window", {.causal = true, .window = o.window}},
      {"window and sinks", {.causal = true, .window = o.window, .global_tokens = o.global_tokens}},
      {"longformer", {.window = o.window / 2 + 1, .global_tokens = o.global_tokens}},
      {"bigbird", with_blocks(BlockPattern::kBigBird, o)},
      {"strided", with_blocks(BlockPattern::kStrided, o)},
      {"fixed", with_blocks(BlockPattern::kFixed, o)}};
  for (Contender& c : all)
    c.pairs = zoo::dense_mask(c.args, o.length, o.length, torch::kCPU).sum().item<double>();
  return all;
}

struct Inputs {
  torch::Tensor q, k, v;
};

void run(const Options& o, const Contender& contender, const Inputs& in, bool backward) {
  const at::AutoGradMode mode(backward);
  const auto y = zoo::attend(o.kernel, in.q, in.k, in.v, contender.args);
  if (backward) torch::autograd::grad({y}, {in.q, in.k, in.v}, {torch::ones_like(y)});
}

/// Median milliseconds of each, called in turn.
std::vector<double> compare(const Options& o, const std::vector<Contender>& contenders,
                            const Inputs& in, bool backward) {
  std::vector<std::vector<double>> times(contenders.size());
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto began = now();
  while (times[0].size() < 3 || std::chrono::duration<double>(now() - began).count() < o.seconds) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const auto start = now();
      run(o, contenders[i], in, backward);
      times[i].push_back(std::chrono::duration<double, std::milli>(now() - start).count());
    }
  }
  std::vector<double> medians;
  for (auto& of_one : times) medians.push_back(zoo::median(of_one));
  return medians;
}

double mebibytes_of(const Options& o, const Contender& contender, const Inputs& in) {
  const zoo::MemoryMeter meter;
  run(o, contender, in, true);
  return static_cast<double>(meter.peak()) / 1048576.0;
}

void check(const Options& o) {
  for (const int64_t size : {o.length, o.heads, o.head_width, o.window, o.block_size})
    if (size <= 0) throw zoo::UsageError("sizes must be positive");
  if (o.global_tokens < 0) throw zoo::UsageError("--global-tokens must not be negative");
  if (o.threads < 0) throw zoo::UsageError("--threads must not be negative; 0 uses all cores");
  if (!(o.seconds > 0.0 && o.seconds < 1e6))
    throw zoo::UsageError("--seconds must be above 0 and below a million");
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("restriction_bench", [&] {
    Options o;
    zoo::CommandLine app{"Times attention that sees a part of the keys", "restriction_bench"};
    zoo::add_options(app, "Comparison", o);
    zoo::parse(app, argc, argv);
    check(o);
    zoo::set_threads(o.threads);
    torch::manual_seed(1);
    const auto normal = [&] {
      return torch::randn({1, o.heads, o.length, o.head_width}).requires_grad_(true);
    };
    const Inputs in{normal(), normal(), normal()};
    const auto contenders = contenders_of(o);
    std::vector<double> memory;
    for (const Contender& c : contenders) memory.push_back(mebibytes_of(o, c, in));
    const auto forward = compare(o, contenders, in, false), both = compare(o, contenders, in, true);
    fmt::print("{:<18}{:>7} {:>12} {:>7} {:>20} {:>7} {:>6}\n", o.kernel, "pairs", "forward ms",
               "ratio", "forward+backward ms", "ratio", "MiB");
    for (size_t i = 0; i < contenders.size(); ++i) {
      fmt::print("{:<18}{:>7.4f} {:>12.1f} {:>7.4f} {:>20.1f} {:>7.4f} {:>6.1f}\n",
                 contenders[i].name, contenders[i].pairs / contenders[0].pairs, forward[i],
                 forward[i] / forward[0], both[i], both[i] / both[0], memory[i]);
    }
    return 0;
  });
}
