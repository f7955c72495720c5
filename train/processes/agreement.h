// What all processes of a run must have in common, compared before the first update.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/loop/processes.h"

namespace zoo {

/// {"seed", "1337"}: the name as a user knows it, and a short text, a hash or a list "a = 1, b =
/// 2", of which an error shows the first part that differs.
using Agreement = std::vector<std::pair<std::string, std::string>>;

/// Throws std::runtime_error in all processes if one differs from process 0: the first item that
/// differs, the process and both texts. Names end a line: none holds a tab or a newline.
void require_agreement(Processes& processes, const Agreement& own);

/// A hash of the running program's file: equal for equal builds. Empty where it cannot be read.
std::string program_hash();

}  // namespace zoo
