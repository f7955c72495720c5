// How a trained GPT is to read texts longer than those of its training: options that need no other
// weights, with the names that they have in training.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "models/positions/rotary.h"

namespace zoo {

struct GptOptions;

/// What is not set stays as the model has it.
struct LengthOptions {
  std::optional<int64_t> context = {};
  std::optional<RotaryScaling> rotary_scaling = {};
  std::optional<double> rotary_factor = {};
  std::optional<int64_t> rotary_original_context = {};
  std::optional<int64_t> window = {};
  std::optional<std::string> window_pattern = {};
  std::optional<int64_t> memory = {};
  std::optional<int64_t> sinks = {};
  std::optional<int64_t> self_extend = {};
  std::optional<int64_t> self_extend_window = {};

  bool operator==(const LengthOptions&) const = default;
};

template <class Visitor>
void visit(LengthOptions& o, Visitor&& v) {
  v("context", o.context, "Read texts of so many tokens; not with learned positions");
  v("rotary-scaling", o.rotary_scaling, "Rotary positions beyond the trained length");
  v("rotary-factor", o.rotary_factor, "By how much (unset: context / trained context, dynamic: 1)");
  v("rotary-original-context", o.rotary_original_context, "Context trained on (unset: as trained)");
  v("window", o.window, "Tokens that a local layer sees back, its own included");
  v("window-pattern", o.window_pattern, "Local (L) and global (G) layers, repeated: LLLG");
  v("memory", o.memory, "Segment memory: tokens before a segment of --context that it sees");
  v("sinks", o.sinks, "First tokens of the text that local layers see besides their window");
  v("self-extend", o.self_extend,
    "SelfExtend: farther tokens share a rotary position in groups of so many");
  v("self-extend-window", o.self_extend_window,
    "SelfExtend: tokens back that keep a position each (unset: half the trained context)");
}

/// The model's options with these changes. Throws OptionError where its weights or its positions do
/// not allow them.
GptOptions with_lengths(GptOptions model, const LengthOptions& lengths);

}  // namespace zoo
