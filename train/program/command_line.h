// The command line of all training programs: recipes, presets, --resume, --init-from,
// --evaluate-only.
#pragma once
#include "train/program/train_command.h"

namespace zoo {

class Training;

/// Parses into the training's options and resolves them. The configuration is that of the recipe
/// (--config), or of the run to resume or evaluate, changed by the flags. Throws UsageError if
/// --resume comes with a change that would make it another run.
TrainCommand parse_train_command(Training& training, int argc, const char* const* argv);

}  // namespace zoo
