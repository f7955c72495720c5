// Other names for options: those of earlier versions of the zoo, and those that are usual
// elsewhere.
//
// A name is replaced only in a program that has the option under today's name and none under the
// name given: `generate` has a --top-k of its own, in `fill_mask` it means --top. Names without
// dashes throughout; "_" counts as "-".
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// A program's options: whether there is one of this name, and all of them.
struct KnownOptions {
  std::function<bool(std::string_view)> has;
  std::vector<std::string> names;
};

/// The option that `given` stands for; nothing if the program has it, or knows no other name.
std::optional<std::string> todays_name(std::string_view given, const KnownOptions& known);

/// Prints "note: --sentences is now --file", or "note: --lr is called --learning-rate here"; of
/// each name once.
void note_other_name(std::string_view given, std::string_view today);

/// What to do instead of an option that no program has in this form: "training is counted in
/// updates: --max-steps". Empty if there is nothing to say.
std::string advice_for(std::string_view given, const KnownOptions& known);

}  // namespace zoo
