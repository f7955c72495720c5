// Errors and notes about the command line.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "models/positions/position_options.h"
#include "train/loop/options.h"
#include "train/program/train_command.h"

namespace zoo {

/// Runs `checks` and converts their exceptions to UsageError.
void check_usage(const std::function<void()>& checks);

/// For each of the options that the user changed: a line on stderr, "note: --X changes nothing
/// WHY". For options that a recipe may set.
void note_changed(const TrainCommand& command, const std::vector<std::string_view>& options,
                  std::string_view why);

/// Throws UsageError if the user changed one of the options: "--X means nothing WHY; leave it out".
/// For options of another kind of run.
void refuse_changed(const TrainCommand& command, const std::vector<std::string_view>& options,
                    std::string_view why);

/// Prints notes for options of several processes, of a run that has one.
void note_unused_processes(const TrainOptions& options, const TrainCommand& command);

/// Prints notes for the trainer's options that its other options leave without effect.
void note_unused(const TrainOptions& options, const TrainCommand& command);

/// Prints notes for options that the position scheme does not use. `tower`: what their flags begin
/// with, "text-" in CLIP.
void note_unused(const PositionOptions& options, const TrainCommand& command,
                 std::string_view tower = "");

}  // namespace zoo
