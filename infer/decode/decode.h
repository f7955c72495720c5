// Entry point of decoding: picks the strategy for the options.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "base/named_enum.h"
#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

enum class Strategy { kGreedy, kSampling, kContrastive, kBeamSearch, kSpeculative };
template <>
struct EnumNames<Strategy> {
  static constexpr std::string_view what = "strategy";
  static constexpr std::pair<Strategy, std::string_view> values[] = {
      {Strategy::kGreedy, "greedy"},
      {Strategy::kSampling, "sampling"},
      {Strategy::kContrastive, "contrastive-search"},
      {Strategy::kBeamSearch, "beam-search"},
      {Strategy::kSpeculative, "speculative"}};
};

/// A small model that proposes tokens, and its state with one row per prompt.
struct Draft {
  const NextToken* model = nullptr;
  DecodeState* state = nullptr;
};

/// The strategy for the options. Throws std::invalid_argument, "top-k is for sampling, ...", for
/// conflicting options.
Strategy strategy_of(const DecodeOptions& options, bool has_draft = false);

/// Continues prompts[p] from `state`, which has one row per prompt. The result is sorted by prompt,
/// then by sample or rank. `on_token` gets tokens as they are chosen, except in beam search, whose
/// texts are known only at its end. Throws as generate().
std::vector<Generation> decode(const NextToken& model, std::unique_ptr<DecodeState> state,
                               Prompts prompts, const DecodeOptions& options,
                               const OnToken& on_token = {}, const Draft& draft = {});

}  // namespace zoo
