// Compares mixers of linear cost (models/mixers) with softmax attention over growing lengths: time,
// memory, and, for those that approximate attention, the error. Of the mixing alone, from queries,
// keys and values on: what stands between the projections of a layer.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infer/comparison/attention_comparison.h"
#include "models/mixers/mixer.h"

namespace zoo {

struct MixerComparisonOptions {
  std::vector<MixerKind> mixers = {};  ///< softmax is measured in any case
  std::vector<int64_t> lengths = {1024, 2048, 4096, 8192, 16384};
  std::vector<bool> causal = {true, false};
  int64_t heads = 4, head_width = 64;  ///< one row
  double seconds = 1.0;                ///< of timing for each mixer and length
};

/// One mixer at one length, float32 on the CPU, without gradients.
struct MixerResult {
  MixerKind mixer = MixerKind::kSoftmax;
  int64_t length = 0;
  bool causal = false;
  double seconds = 0;      ///< of one call: the median
  double operations = 0;   ///< of its matrix products
  int64_t peak_bytes = 0;  ///< held at once beyond the inputs
  /// |y - attention| / |attention| over all numbers; unset for mixers that are another function.
  std::optional<double> error = {};
  std::string refused = {};  ///< why it did not run
};

/// "linear,ssd", or "all". Throws std::invalid_argument for an unknown name.
std::vector<MixerKind> parse_mixers(std::string_view text);
/// "1024,2048". Throws std::invalid_argument unless they are positive and ascending.
std::vector<int64_t> parse_lengths(std::string_view text);

/// In the order causal, length, mixer. Ctrl-C stops early and returns the results so far.
std::vector<MixerResult> compare_mixers(const MixerComparisonOptions& options,
                                        const ComparisonWatch& watch);

/// One table for each direction: the longest text, and the exponents fitted over all lengths.
std::string mixer_table(const std::vector<MixerResult>& results);
/// One JSON object {"machine": {...}, "results": [...]}.
std::string mixer_json(const MixerComparisonOptions& options, const Machine& machine,
                       const std::vector<MixerResult>& results);
/// A page with the tables, and charts of time and memory over the length.
std::string mixer_page(const MixerComparisonOptions& options, const Machine& machine,
                       const std::vector<MixerResult>& results);

}  // namespace zoo
