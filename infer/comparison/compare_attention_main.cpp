// Compares the attention kernels with each other and with torch's own:
//   compare_attention --shapes 2x8x1024x64 --kernels flash,torch
//   compare_attention --page attention.html
// or mixers of linear cost with softmax attention, over the length:
//   compare_attention --mixers all --page mixers.html
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/progress_bar.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/note.h"
#include "infer/comparison/attention_comparison.h"
#include "infer/comparison/mixer_comparison.h"
#include "models/attention/attend.h"
#include "models/attention/kernels/flash_tiles.h"
#include "models/device.h"

namespace {

struct Options {
  std::string kernels = "all";
  std::string shapes = "12x4x64x32,4x6x256x64,2x8x1024x64,1x8x4096x64,1x12x1024x128";
  std::string mask = "both", pass = "both", dtype = "float32", device = "cpu", simd = "auto";
  double seconds = 1.0;
  int64_t threads = 0, seed = 1;
  std::string mixers, lengths = "1024,2048,4096,8192,16384";
  bool json = false, list = false;
  std::filesystem::path page;
};

template <class Visitor>
void visit(Options& o, Visitor&& v) {
  v("kernels", o.kernels, "Comma-separated names, or all");
  v("shapes", o.shapes, "Comma-separated BxHxTxDh, then xS and xHkv if they differ");
  v("mask", o.mask, "causal, full or both");
  v("pass", o.pass, "forward, forward+backward or both");
  v("dtype", o.dtype, "float32, float64, bfloat16 or float16");
  v("device", o.device, "cpu, cuda, cuda:N or auto");
  v("threads", o.threads, "Threads; 0: all cores");
  v("simd", o.simd, "Instruction set of kernel flash: auto (the best), or one that --list names");
  v("seconds", o.seconds, "Time in seconds that is spent on each kernel and case");
  v("seed", o.seed, "Seed of the random inputs");
  v("mixers", o.mixers, "Compare these mixers over the length instead: comma-separated, or all");
  v("lengths", o.lengths, "With --mixers: lengths in tokens, ascending");
  v("json", o.json, "Print one JSON object and nothing else");
  v("page", o.page, "Also write a page with plots over the length to this file");
  v("list", o.list, "Name the kernels and stop");
}

std::vector<std::string> kernels_of(const std::string& text) {
  const auto known = zoo::attention_kernel_names();
  std::vector<std::string> names;
  if (text == "all") {
    std::ranges::remove_copy(known, std::back_inserter(names), "auto");  // one of the others again
    return names;
  }
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    names.push_back(text.substr(at, end - at));
    if (std::find(known.begin(), known.end(), names.back()) == known.end()) {
      throw zoo::UsageError(
          fmt::format("--kernels: no kernel is called '{}'; --list names them", names.back()));
    }
    at = end + 1;
  }
  return names;
}

template <class Value>
Value choose(const char* flag, const std::string& text,
             const std::vector<std::pair<std::string, Value>>& known) {
  std::string names;
  for (const auto& [name, value] : known) {
    if (name == text) return value;
    names += (names.empty() ? "" : ", ") + name;
  }
  throw zoo::UsageError(fmt::format("{}: '{}' is not one of {}", flag, text, names));
}

zoo::ComparisonOptions comparison_of(const Options& o) {
  using zoo::Pass;
  zoo::ComparisonOptions c;
  c.kernels = kernels_of(o.kernels);
  try {
    c.shapes = zoo::parse_shapes(o.shapes);
  } catch (const std::invalid_argument& error) {
    throw zoo::UsageError(std::string("--shapes: ") + error.what());
  }
  c.causal = choose<std::vector<bool>>(
      "--mask", o.mask, {{"causal", {true}}, {"full", {false}}, {"both", {true, false}}});
  c.passes = choose<std::vector<Pass>>("--pass", o.pass,
                                       {{"forward", {Pass::kForward}},
                                        {"forward+backward", {Pass::kForwardBackward}},
                                        {"both", {Pass::kForward, Pass::kForwardBackward}}});
  c.dtype = choose<torch::Dtype>("--dtype", o.dtype,
                                 {{"float32", torch::kFloat},
                                  {"float64", torch::kDouble},
                                  {"bfloat16", torch::kBFloat16},
                                  {"float16", torch::kHalf}});
  if (!(o.seconds > 0.0 && o.seconds < 1e6))
    throw zoo::UsageError("--seconds must be above 0 and below a million");
  if (o.threads < 0) throw zoo::UsageError("--threads must not be negative; 0 uses all cores");
  try {
    if (o.simd != "auto") zoo::flash::use_instruction_set(o.simd);
  } catch (const std::invalid_argument& error) {
    throw zoo::UsageError(std::string("--simd: ") + error.what());
  }
  try {
    c.device = zoo::find_device(o.device);
  } catch (const c10::Error& error) {
    throw zoo::UsageError(std::string("--") + error.what_without_backtrace());
  }
  c.seconds = o.seconds;
  return c;
}

std::vector<zoo::ComparisonResult> compare(const zoo::ComparisonOptions& options,
                                           const zoo::Machine& machine, const char* title) {
  std::optional<zoo::ProgressBar> bar;
  auto results = zoo::compare_attention(options, machine,
                                        [&](int64_t done, int64_t cases, const std::string& what) {
                                          if (!bar) bar.emplace(title, cases);
                                          bar->update(done, what);
                                        });
  if (bar) bar->finish();
  return results;
}

/// `compare_attention --mixers`: a comparison of its own. Returns the exit code.
int compare_mixers(const Options& o, std::optional<zoo::PendingFile>& page) {
  zoo::MixerComparisonOptions c{.seconds = o.seconds};
  if (o.device != "cpu" || o.dtype != "float32")
    throw zoo::UsageError("--mixers runs with --device cpu and --dtype float32 only");
  try {
    c.mixers = zoo::parse_mixers(o.mixers);
  } catch (const std::invalid_argument& error) {
    throw zoo::UsageError(std::string("--mixers: ") + error.what());
  }
  try {
    c.lengths = zoo::parse_lengths(o.lengths);
  } catch (const std::invalid_argument& error) {
    throw zoo::UsageError(std::string("--lengths: ") + error.what());
  }
  c.causal = comparison_of(o).causal;
  const auto machine = zoo::measure_machine(torch::kFloat, torch::kCPU);
  const zoo::InterruptGuard interrupt;
  std::optional<zoo::ProgressBar> bar;
  const auto results =
      zoo::compare_mixers(c, [&](int64_t done, int64_t cases, const std::string& what) {
        if (!bar) bar.emplace("comparing", cases);
        bar->update(done, what);
      });
  if (bar) bar->finish();
  if (o.json) {
    std::cout << zoo::mixer_json(c, machine, results) << '\n';
  } else {
    std::cout << fmt::format("{}; one row, {} heads of width {}\n\n{}", zoo::summary_of(machine),
                             c.heads, c.head_width, zoo::mixer_table(results));
  }
  if (page && !zoo::InterruptGuard::requested()) {
    page->write(zoo::mixer_page(c, machine, results));
    page->commit();
    zoo::note(fmt::format("page: {}", o.page.string()));
  }
  return zoo::InterruptGuard::requested() ? zoo::kInterrupted : 0;
}

/// Options of the other comparison would change nothing. `given`: the names of those on the
/// command line.
void refuse_other_options(const std::vector<std::string>& given, bool mixers) {
  for (const std::string& option : given) {
    if (option == "mixers" && !mixers)
      throw zoo::UsageError("--mixers needs names, comma-separated, or all");
    if (option == "lengths" && !mixers)
      throw zoo::UsageError("--lengths is for --mixers; kernels are compared on --shapes");
    if (mixers && (option == "kernels" || option == "shapes" || option == "pass"))
      throw zoo::UsageError(
          fmt::format("--{} means nothing with --mixers, which has --lengths and --mask", option));
  }
}

/// The same heads with growing lengths, without kernel loops, which would take minutes.
std::vector<zoo::ComparisonResult> sweep(zoo::ComparisonOptions options,
                                         const zoo::Machine& machine) {
  options.shapes.clear();
  for (int64_t T = 128; T <= 4096; T *= 2)
    options.shapes.push_back({.B = 1, .H = 8, .T = T, .Dh = 64, .S = T, .Hkv = 8});
  std::erase(options.kernels, "loops");
  options.causal = {false};
  options.passes = {zoo::Pass::kForward};
  return compare(options, machine, "lengths");
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("compare_attention", [&] {
    Options options;
    zoo::CommandLine app{"Compares the attention kernels: error, time, memory, against torch's own",
                         "compare_attention"};
    zoo::add_options(app, "Comparison", options);
    zoo::set_help(app, {"compare_attention --shapes 2x8x1024x64 --kernels flash,torch",
                        "compare_attention --mixers all --mask causal --page mixers.html"});
    zoo::parse(app, argc, argv);
    refuse_other_options(zoo::given_flags(app, argc, argv), !options.mixers.empty());
    if (options.list) {
      for (const std::string& name : zoo::attention_kernel_names())
        std::cout << fmt::format("{:<11} {}\n", name, zoo::attention_kernel(name).summary());
      std::cout << fmt::format("instruction sets: {}\n",
                               fmt::join(zoo::flash::instruction_sets(), ", "));
      return 0;
    }
    const auto comparison = comparison_of(options);
    zoo::set_threads(options.threads);
    torch::manual_seed(static_cast<uint64_t>(options.seed));
    // Opened first, so that an error comes before the work.
    std::optional<zoo::PendingFile> page;
    if (!options.page.empty()) page.emplace(options.page);
    if (!options.mixers.empty()) return compare_mixers(options, page);
    const auto machine = zoo::measure_machine(comparison.dtype, comparison.device);
    const zoo::InterruptGuard interrupt;
    const auto results = compare(comparison, machine, "comparing");
    if (options.json) {
      std::cout << zoo::comparison_json(comparison, machine, results) << '\n';
    } else {
      std::cout << fmt::format("{}; peak: {:.0f} GFLOP/s, a product of two {} x {} matrices\n\n{}",
                               zoo::summary_of(machine), machine.matmul_gflops, machine.matmul_size,
                               machine.matmul_size, zoo::comparison_table(results));
    }
    if (page && !zoo::InterruptGuard::requested()) {
      page->write(zoo::comparison_page(machine, results, sweep(comparison, machine)));
      page->commit();
      zoo::note(fmt::format("page: {}", options.page.string()));
    }
    return zoo::InterruptGuard::requested() ? zoo::kInterrupted : 0;
  });
}
