// Continuing prompts token by token, greedily or by sampling: one loop for every model that can
// step.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "app/named_enum.h"
#include "infer/decode/sampling.h"
#include "infer/decode/step.h"

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

struct GenerateOptions {
  int64_t max_new_tokens = 200;
  int64_t min_new_tokens = 0;  ///< before them no end-of-text token is drawn
  int64_t num_samples = 1;   ///< continuations of each prompt; sample s draws from random stream s
  int64_t first_sample = 0;  ///< number of the first one: work may be cut into several calls
  uint64_t seed = 0;
  SamplingOptions sampling = {};
  std::vector<int64_t> eos_ids = {};  ///< drawing one of them ends a row
  int64_t usable_vocab =
      0;  ///< ids from it on are never drawn (tables padded past the tokenizer's); 0: all
  std::function<bool()> interrupted = {};  ///< asked once a step; true ends all rows
};

template <class Visitor>
void visit(GenerateOptions& o, Visitor&& v) {
  v("max-new-tokens", o.max_new_tokens, "Longest continuation");
  v("min-new-tokens", o.min_new_tokens, "No end of text before");
  v("num-samples", o.num_samples, "Continuations of each prompt");
  v("seed", o.seed, "Decides what is drawn");
}

struct Generation {
  int64_t prompt = 0, sample = 0;
  std::vector<int64_t> tokens = {};  ///< the new ones; an end-of-text token is the last of them
  std::vector<double> log_probs =
      {};  ///< of each under the model itself, before filters and temperature
  FinishReason finish = FinishReason::kLength;

  double log_prob() const;  ///< of them all together
};

/// Sees every token as it is drawn; `row` counts prompts times samples, samples of one prompt side
/// by side. False ends the row with FinishReason::kStop.
using OnToken = std::function<bool(int64_t row, int64_t token)>;

/// Continues prompts[p] from `state`, which has one row a prompt and may have read something
/// before. Every prompt has at least one token. A row's result does not depend on the other rows:
/// each has its own places in the model, and draws from the stream of (seed, sample, step). Throws
/// std::invalid_argument for options, std::runtime_error for prompts (empty, too long, ids outside
/// the vocabulary) and for a model whose scores are NaN.
std::vector<Generation> generate(NextToken& model, DecodeState& state,
                                 std::span<const std::vector<int64_t>> prompts,
                                 const GenerateOptions& options, const OnToken& on_token = {});

/// The options' part of these errors, to be had before a model is loaded.
void check(const GenerateOptions& options);
/// The prompts' part; prompts are counted from 1.
void check_prompts(std::span<const std::vector<int64_t>> prompts, const NextToken& model);

}  // namespace zoo
