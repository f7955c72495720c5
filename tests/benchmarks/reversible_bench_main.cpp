// Memory and time of a training step of reversible layers, beside layers that keep their
// activations.
//   reversible_bench [--layers L,L,...] [--batch B] [--length T] [--d-model C] [--mixer NAME]
// Prints a line for each number of layers: MiB of weights (and of their gradients), MiB that
// forward and backward hold at the most beyond both, kept and reversible, and milliseconds of the
// fastest step of both.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "infer/comparison/memory_meter.h"
#include "models/device.h"
#include "models/gpt/gpt.h"

namespace {

struct Options {
  std::vector<int64_t> layers = {2, 4, 8, 16};
  int64_t batch = 4, length = 512, d_model = 256, heads = 4, threads = 0;
  zoo::MixerKind mixer = zoo::MixerKind::kSoftmax;
  int64_t steps = 5;
};

template <class Visitor>
void visit(Options& o, Visitor&& v) {
  v("layers", o.layers, "Numbers of layers");
  v("batch", o.batch, "B: rows");
  v("length", o.length, "T: tokens of a row");
  v("d-model", o.d_model, "C: width of the residual stream");
  v("heads", o.heads, "H: heads");
  v("mixer", o.mixer, "What mixes tokens");
  v("steps", o.steps, "Timed steps");
  v("threads", o.threads, "Threads; 0: all cores");
}

zoo::Gpt model_of(const Options& o, int64_t layers, bool reversible) {
  zoo::GptOptions g;
  g.vocab_size = 256;
  g.context = o.length;
  g.layers = layers;
  g.d_model = o.d_model;
  g.heads = o.heads;
  g.attention = "flash";
  g.mixer = o.mixer;
  g.reversible = reversible;
  torch::manual_seed(1);
  return zoo::Gpt(g);
}

void step(zoo::Gpt& gpt, const torch::Tensor& tokens) {
  gpt->zero_grad();
  torch::cross_entropy_loss(gpt->forward(tokens).flatten(0, 1), tokens.flatten()).backward();
}

double mebibytes(double bytes) { return bytes / 1048576.0; }

double memory_of(zoo::Gpt& gpt, const torch::Tensor& tokens, double gradients) {
  const zoo::MemoryMeter meter;
  step(gpt, tokens);
  return mebibytes(static_cast<double>(meter.peak()) - gradients);
}

/// Milliseconds of the fastest step of both, in turn.
std::pair<double, double> compare(zoo::Gpt& kept, zoo::Gpt& reversible, const torch::Tensor& tokens,
                                  int64_t steps) {
  std::vector<double> times[2];
  for (int64_t n = 0; n < steps; ++n) {
    for (int which = 0; which < 2; ++which) {
      const auto start = std::chrono::steady_clock::now();
      step(which == 0 ? kept : reversible, tokens);
      times[which].push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count());
    }
  }
  return {std::ranges::min(times[0]), std::ranges::min(times[1])};
}

void check(const Options& o) {
  for (const int64_t size : {o.batch, o.length, o.d_model, o.heads, o.steps})
    if (size <= 0) throw zoo::UsageError("sizes must be positive");
  if (o.threads < 0) throw zoo::UsageError("--threads must not be negative; 0 uses all cores");
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("reversible_bench", [&] {
    Options o;
    zoo::CommandLine app{"Memory and time of a training step of reversible layers",
                         "reversible_bench"};
    zoo::add_options(app, "Comparison", o);
    zoo::parse(app, argc, argv);
    check(o);
    zoo::set_threads(o.threads);
    const auto tokens = torch::randint(256, {o.batch, o.length}, torch::kLong);
    fmt::print("{:>6} {:>12} {:>9} {:>15} {:>6} {:>9} {:>14} {:>6}\n", "layers", "weights MiB",
               "kept MiB", "reversible MiB", "ratio", "kept ms", "reversible ms", "ratio");
    for (const int64_t layers : o.layers) {
      auto kept = model_of(o, layers, false), reversible = model_of(o, layers, true);
      double weights = 0;
      for (const auto& parameter : kept->parameters())
        weights += static_cast<double>(parameter.nbytes());
      const double a = memory_of(kept, tokens, weights), b = memory_of(reversible, tokens, weights);
      const auto [before, now] = compare(kept, reversible, tokens, o.steps);
      fmt::print("{:>6} {:>12.1f} {:>9.1f} {:>15.1f} {:>6.2f} {:>9.1f} {:>14.1f} {:>6.2f}\n",
                 layers, mebibytes(weights), a, b, b / a, before, now, now / before);
    }
    return 0;
  });
}
