// Compares the attention kernels: error, time and memory, relative to torch's own.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infer/comparison/compared_shape.h"

namespace zoo {

enum class Pass { kForward, kForwardBackward };
std::string_view name_of(Pass pass);

struct ComparisonOptions {
  std::vector<std::string> kernels = {};  ///< in the order of the table
  std::vector<AttentionShape> shapes = {};
  std::vector<bool> causal = {true, false};
  std::vector<Pass> passes = {Pass::kForward, Pass::kForwardBackward};
  torch::Dtype dtype = torch::kFloat;
  torch::Device device = torch::kCPU;
  double seconds = 1.0;  ///< of timing for each kernel and case
};

/// One kernel on one case. If the kernel refused the case, the numbers are 0.
struct ComparisonResult {
  std::string kernel = {};
  AttentionShape shape = {};
  bool causal = false;
  Pass pass = Pass::kForward;
  double seconds = 0;      ///< of one call: the median of interleaved repeats
  double gflops = 0;       ///< forward and backward together count 3.5 times forward
  double peak_share = 0;   ///< of the machine's measured matrix product
  double max_error = 0;    ///< against float64, of the output and, with backward, of dq, dk and dv
  double torch_error = 0;  ///< the same of torch's own
  int64_t peak_bytes = 0;  ///< held at once beyond the inputs
  std::string torch_kernel = {};  ///< kernel torch: the operator that ran behind it
  std::string refused = {};       ///< why it did not run
};

struct Machine {
  std::string processor = {};  ///< the device's: the CPU, or the GPU
  std::string device = {}, instruction_set = {}, torch_version = {};
  int threads = 1;
  int64_t matmul_size = 0;   ///< size of the square matrix product that is the yardstick,
  double matmul_gflops = 0;  ///< and its speed in the chosen type
};

Machine measure_machine(torch::Dtype dtype, torch::Device device);
/// "AMD EPYC, 2 threads, SIMD AVX2", or "NVIDIA H200"
std::string summary_of(const Machine& machine);

/// Called before each case with its index, the number of cases, and a description.
using ComparisonWatch = std::function<void(int64_t, int64_t, const std::string&)>;

/// Cases in the order shape, causal, pass, kernel. Ctrl-C stops early and returns the results so
/// far.
std::vector<ComparisonResult> compare_attention(const ComparisonOptions& options,
                                                const Machine& machine,
                                                const ComparisonWatch& watch);

/// The exponent p of time ~ length^p: the slope of a line through the logarithms of the last
/// points. Empty for fewer than two points.
std::optional<double> fitted_exponent(const std::vector<std::pair<double, double>>& points);

/// One table per case, for the terminal.
std::string comparison_table(const std::vector<ComparisonResult>& results);
/// One JSON object {"machine": {...}, "results": [...]}.
std::string comparison_json(const ComparisonOptions& options, const Machine& machine,
                            const std::vector<ComparisonResult>& results);
/// A page with tables, and charts of time and memory over the length from `sweep`: forward passes
/// that differ only in T.
std::string comparison_page(const Machine& machine, const std::vector<ComparisonResult>& results,
                            const std::vector<ComparisonResult>& sweep);

}  // namespace zoo
