// Changes to a trained model's options, and what they leave open.
#include "models/gpt/length_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/option_checks.h"
#include "models/gpt/gpt.h"

namespace zoo {
namespace {

template <class T>
void take(T& field, const std::optional<T>& wanted) {
  if (wanted) field = *wanted;
}

void check_context(const GptOptions& model, int64_t context) {
  require_option(
      model.position != PositionKind::kLearned || context == model.context, "context", context,
      fmt::format("{} for this model, which has learned so many positions", model.context));
}

/// A scaling chosen now begins with the values that fit the two contexts.
void scale(RotaryOptions& rotary, RotaryScaling scaling, int64_t trained, int64_t context) {
  if (scaling == rotary.scaling) return;
  rotary.scaling = scaling;
  rotary.low_frequency = rotary.high_frequency = rotary.attention_factor = 0.0;
  rotary.original_context = trained;
  rotary.factor = scaling == RotaryScaling::kDynamic
                      ? 1.0
                      : std::max(1.0, static_cast<double>(context) / static_cast<double>(trained));
}

}  // namespace

GptOptions with_lengths(GptOptions model, const LengthOptions& lengths) {
  if (lengths == LengthOptions{}) return model;
  const int64_t trained = model.context;
  if (lengths.context) check_context(model, *lengths.context);
  take(model.context, lengths.context);
  const RotaryScaling scaling = lengths.rotary_scaling.value_or(model.rotary.scaling);
  require_option(
      model.position == PositionKind::kRotary || scaling == model.rotary.scaling, "rotary-scaling",
      name_of(scaling),
      fmt::format("none for this model, whose positions are {}", name_of(model.position)));
  scale(model.rotary, scaling, trained, model.context);
  take(model.rotary.factor, lengths.rotary_factor);
  take(model.rotary.original_context, lengths.rotary_original_context);
  take(model.window, lengths.window);
  take(model.window_pattern, lengths.window_pattern);
  take(model.memory, lengths.memory);
  take(model.sinks, lengths.sinks);
  take(model.self_extend, lengths.self_extend);
  if (model.self_extend > 1 && model.self_extend_window == 0)
    model.self_extend_window = std::max<int64_t>(1, trained / 2);
  take(model.self_extend_window, lengths.self_extend_window);
  check(model);
  return model;
}

}  // namespace zoo
