// Times a mixture of experts against a feed-forward network of the same active size and against its
// own definition, which computes every expert for every token.
//   expert_bench [--tokens N] [--d-model C] [--width F] [--experts E] [--experts-per-token K]
// Prints a line for each: operations of a forward pass, milliseconds of forward and of forward +
// backward, and these in those of the feed-forward network.
#include <fmt/format.h>
#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/text_table.h"
#include "models/cost/expert_cost.h"
#include "models/device.h"
#include "tests/models/experts/dense_mixture.h"

namespace {

struct Options {
  int64_t tokens = 768, d_model = 128, width = 256, experts = 8, experts_per_token = 2, threads = 0;
  zoo::Activation activation = zoo::Activation::kGelu;
  double seconds = 2.0;
};

template <class Visitor>
void visit(Options& o, Visitor&& v) {
  v("tokens", o.tokens, "N: tokens of a batch; the default: those of gpt-shakespeare-cpu");
  v("d-model", o.d_model, "C: width of the residual stream");
  v("width", o.width, "F: width of an expert");
  v("experts", o.experts, "E: number of experts");
  v("experts-per-token", o.experts_per_token, "K: experts that a token passes");
  v("activation", o.activation, "Activation of an expert");
  v("threads", o.threads, "Threads; 0: all cores");
  v("seconds", o.seconds, "Timing of each table column");
}

struct Contender {
  std::string name;
  double flops;
  std::function<torch::Tensor(const torch::Tensor&)> forward;
  std::vector<torch::Tensor> parameters;
};

void run(const Contender& contender, torch::Tensor x, bool backward) {
  const at::AutoGradMode mode(backward);
  const auto y = contender.forward(x);
  if (!backward) return;
  auto inputs = contender.parameters;
  inputs.push_back(x);
  torch::autograd::grad({y}, inputs, {torch::ones_like(y)}, {}, {}, /*allow_unused=*/true);
}

/// Median milliseconds of each, called in turn.
std::vector<double> compare(const std::vector<Contender>& contenders, const torch::Tensor& x,
                            bool backward, double seconds) {
  std::vector<std::vector<double>> times(contenders.size());
  for (const auto& contender : contenders) run(contender, x, backward);
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto began = now();
  while (times[0].size() < 3 || std::chrono::duration<double>(now() - began).count() < seconds) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const auto start = now();
      run(contenders[i], x, backward);
      times[i].push_back(std::chrono::duration<double, std::milli>(now() - start).count());
    }
  }
  std::vector<double> medians;
  for (auto& of_one : times) medians.push_back(zoo::median(of_one));
  return medians;
}

zoo::MixtureOfExpertsOptions checked(const Options& o) {
  for (const int64_t size : {o.tokens, o.d_model, o.width, o.experts, o.experts_per_token}) {
    if (size <= 0) throw zoo::UsageError("sizes must be positive");
  }
  if (o.experts_per_token > o.experts)
    throw zoo::UsageError("--experts-per-token must be at most --experts");
  if (o.threads < 0) throw zoo::UsageError("--threads must not be negative; 0 uses all cores");
  if (!(o.seconds > 0.0 && o.seconds < 1e6))
    throw zoo::UsageError("--seconds must be above 0 and below a million");
  return {.expert = {.d_model = o.d_model, .width = o.width, .activation = o.activation},
          .experts = o.experts,
          .experts_per_token = o.experts_per_token};
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("expert_bench", [&] {
    Options o;
    zoo::CommandLine app{"Times experts against a feed-forward network of the same active size",
                         "expert_bench"};
    zoo::add_options(app, "Comparison", o);
    zoo::parse(app, argc, argv);
    const auto options = checked(o);
    zoo::set_threads(o.threads);
    torch::manual_seed(1);
    auto dense_options = options.expert;
    dense_options.width *= o.experts_per_token;
    zoo::FeedForward dense(dense_options);
    zoo::MixtureOfExperts mixture(options);
    const auto N = static_cast<double>(o.tokens), E = static_cast<double>(o.experts);
    const std::vector<Contender> contenders = {
        {"feed-forward", zoo::feed_forward_cost(dense_options, N).forward_flops,
         [&](const auto& x) { return dense(x); }, dense->parameters()},
        {"experts", zoo::mixture_cost(options, N).forward_flops,
         [&](const auto& x) { return mixture(x); }, mixture->parameters()},
        {"definition", zoo::mixture_cost(options, N, N * E).forward_flops,
         [&](const auto& x) { return zoo::testing::dense_mixture(mixture, x); },
         mixture->parameters()}};
    const auto x = torch::randn({o.tokens, o.d_model}).requires_grad_(true);
    const auto forward = compare(contenders, x, false, o.seconds);
    const auto both = compare(contenders, x, true, o.seconds);
    fmt::print("{:<14}{:>9} {:>12} {:>6} {:>19} {:>6}\n", "", "GFLOP", "forward ms", "ratio",
               "forward+backward ms", "ratio");
    for (size_t i = 0; i < contenders.size(); ++i) {
      fmt::print("{:<14}{:>9.3f} {:>12.3f} {:>6.2f} {:>19.3f} {:>6.2f}\n", contenders[i].name,
                 contenders[i].flops * 1e-9, forward[i], forward[i] / forward[0], both[i],
                 both[i] / both[0]);
    }
    return 0;
  });
}
