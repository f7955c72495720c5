// The result of decoding: one continuation of one prompt.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/named_enum.h"

namespace zoo {

enum class FinishReason { kLength, kEos, kStop, kInterrupted };
template <>
struct EnumNames<FinishReason> {
  static constexpr std::string_view what = "finish reason";
  static constexpr std::pair<FinishReason, std::string_view> values[] = {
      {FinishReason::kLength, "length"},
      {FinishReason::kEos, "eos"},
      {FinishReason::kStop, "stop"},
      {FinishReason::kInterrupted, "interrupted"}};
};

struct Generation {
  int64_t prompt = 0;
  int64_t sample = 0;  ///< number of the sample, or rank by score where beams were searched
  std::vector<int64_t> tokens = {};  ///< the new ones; an end-of-text token is the last of them
  std::vector<double> log_probs =
      {};  ///< of each under the model itself, before penalties, filters and temperature
  double score = 0.0;  ///< what the strategy ranks by; where it ranks nothing, log_prob()
  FinishReason finish = FinishReason::kLength;

  double log_prob() const;  ///< of them all together
};

/// Called with every token when it is chosen. `row` is the index over prompts times samples;
/// samples of a prompt are adjacent. Returning false ends the row with FinishReason::kStop.
using OnToken = std::function<bool(int64_t row, int64_t token)>;

using Prompts = std::span<const std::vector<int64_t>>;

}  // namespace zoo
