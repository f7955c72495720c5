// A model loaded from a checkpoint has the checkpoint's shape.
#pragma once
#include <fmt/format.h>

#include <any>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/option_values.h"
#include "base/usage_error.h"
#include "train/program/train_command.h"

namespace zoo {

/// Options that may differ from a checkpoint's: they change no tensor's shape or meaning. CLIP's
/// begin with the name of a tower.
inline bool is_free_option(std::string_view name) {
  for (const std::string_view tower : {"image-", "text-"}) {
    if (name.starts_with(tower)) name.remove_prefix(tower.size());
  }
  return name == "attention" || name == "init-std" || name == "drop-path" ||
         name == "head-diversity" || name == "dropout" || name.ends_with("-dropout");
}

/// Whether a number is 0, which stands for the default.
template <class T>
bool is_zero(const T& value) {
  if constexpr (std::is_arithmetic_v<T>) return value == T{};
  return false;
}

/// Calls v(name, a's field, b's field).
template <class Options, class Visitor>
void visit_both(Options& a, Options& b, Visitor&& v) {
  std::vector<std::any> fields;
  visit(b, [&](std::string_view, auto& field, const std::string&) { fields.emplace_back(&field); });
  auto other = fields.begin();
  visit(a, [&](std::string_view name, auto& field, const std::string&) {
    v(name, field, *std::any_cast<std::remove_reference_t<decltype(field)>*>(*other++));
  });
}

/// Sets `model` to `taken`, the folder's options, with the free options that the user set. Throws
/// UsageError if the user set another option to a value other than the folder's. A zero that the
/// family's resolved() replaces does not count as another value.
template <class Options>
void take_shape(Options& model, Options taken, const std::filesystem::path& folder,
                const TrainCommand& command) {
  const bool preset = command.has("preset");
  Options in_folder = resolved(taken), asked = in_folder;
  visit_both(asked, model, [&](std::string_view name, auto& field, const auto& wanted) {
    if (command.has(name) || preset) field = wanted;
  });
  const auto refuse_changes = [&](bool zeros) {
    visit_both(asked, in_folder, [&](std::string_view name, const auto& wanted, const auto& found) {
      if (is_free_option(name) || wanted == found || (!zeros && is_zero(wanted))) return;
      throw UsageError(fmt::format(
          "--{} cannot be changed{}: the model in '{}' has {}, not {}; leave it out, or train a "
          "new model without --init-from",
          name, command.has(name) ? "" : fmt::format(" (by --preset {})", command.preset),
          folder.string(), recipe_value(found).value_or("none"),
          recipe_value(wanted).value_or("none")));
    });
  };
  refuse_changes(/*zeros=*/false);
  asked = resolved(asked);  // not earlier: it throws for incompatible widths
  refuse_changes(/*zeros=*/true);
  visit_both(taken, model, [&](std::string_view name, auto& field, const auto& wanted) {
    if (is_free_option(name) && command.has(name)) field = wanted;
  });
  model = taken;
}

}  // namespace zoo
