#include "train/program/usage.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <initializer_list>
#include <string>

#include "base/note.h"
#include "base/option_error.h"
#include "base/usage_error.h"

namespace zoo {

void check_usage(const std::function<void()>& checks) {
  try {
    checks();
  } catch (const c10::Error& e) {
    throw UsageError(e.what_without_backtrace());
  } catch (const OptionError& e) {
    throw UsageError(e.with_dashes());
  } catch (const std::exception& e) {
    throw UsageError(e.what());
  }
}

void note_changed(const TrainCommand& command, const std::vector<std::string_view>& options,
                  std::string_view why) {
  for (const auto option : options) {
    if (command.changed(option)) note(fmt::format("note: --{} changes nothing {}", option, why));
  }
}

void refuse_changed(const TrainCommand& command, const std::vector<std::string_view>& options,
                    std::string_view why) {
  for (const auto option : options) {
    if (command.changed(option))
      throw UsageError(fmt::format("--{} means nothing {}; leave it out", option, why));
  }
}

void note_unused_processes(const TrainOptions& o, const TrainCommand& command) {
  if (o.processes > 1) return;
  note_changed(command,
               {"shard-optimizer", "gradient-compression", "overlap-gradients", "process-timeout"},
               "with one process");
}

void note_unused(const TrainOptions& o, const TrainCommand& command) {
  if (!o.overlap_gradients)
    note_changed(command, {"gradient-compression"}, "with --overlap-gradients=false");
  const ScheduleKind kind = o.schedule.kind;
  const auto with_kind = fmt::format("with --schedule {}", name_of(kind));
  if (kind == ScheduleKind::kConstant || kind == ScheduleKind::kNoam)
    note_changed(command, {"final-share"}, with_kind);
  if (kind != ScheduleKind::kWarmupStableDecay) note_changed(command, {"decay-share"}, with_kind);
  if (o.overfit_one_batch)
    note_changed(command, {"expect-at-least", "expect-at-most"}, "with --overfit-one-batch");
}

void note_unused(const PositionOptions& o, const TrainCommand& command, std::string_view tower) {
  const auto note_all = [&](std::initializer_list<std::string_view> names, std::string_view why) {
    for (const auto name : names) {
      const std::string flag = std::string(tower) + std::string(name);
      note_changed(command, {flag}, fmt::format("without --{}{}", tower, why));
    }
  };
  if (o.position != PositionKind::kSinusoidal) note_all({"sinusoids"}, "position sinusoidal");
  if (o.position != PositionKind::kLearned) note_all({"position-offset"}, "position learned");
  if (o.position != PositionKind::kBucketed)
    note_all({"relative-buckets", "relative-distance"}, "position t5");
  const bool rotary = o.position == PositionKind::kRotary;
  if (!rotary)
    note_all({"rotary-base", "rotary-share", "rotary-pairs", "rotary-scaling"}, "position rotary");
  const auto scaling = rotary ? o.rotary.scaling : RotaryScaling::kNone;
  const auto note_scaling = [&](std::string_view name, std::initializer_list<RotaryScaling> uses) {
    if (std::ranges::find(uses, scaling) != uses.end()) return;
    std::string names;
    for (const auto kind : uses)
      names += (names.empty() ? "" : " or ") + std::string(name_of(kind));
    note_all({name}, rotary ? "rotary-scaling " + names : "position rotary");
  };
  using enum RotaryScaling;
  note_scaling("rotary-factor", {kLinear, kNtk, kDynamic, kYarn, kLlama3});
  note_scaling("rotary-original-context", {kDynamic, kYarn, kLlama3});
  for (const auto* const name : {"rotary-low-frequency", "rotary-high-frequency"})
    note_scaling(name, {kYarn, kLlama3});
  for (const auto* const name : {"rotary-attention-factor", "rotary-whole-pairs"})
    note_scaling(name, {kYarn});
}

}  // namespace zoo
