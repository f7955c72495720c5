// --validation-share and --validation-data: the validation data.
#pragma once
#include <string>
#include <string_view>

#include "base/option_checks.h"

namespace zoo {

/// A share of the data is held out for validation.
struct ValidationShare {
  double share = 0.1;
  std::string_view of = "the data";  ///< for --help: "the text's end"
};

template <class Visitor>
void visit(ValidationShare& o, Visitor&& v) {
  v("validation-share", o.share, "Share of " + std::string(o.of) + " to evaluate with (0: none)");
}

/// Throws std::invalid_argument for a share out of range.
inline void check(const ValidationShare& o) {
  require_option(o.share >= 0.0 && o.share < 1.0, "validation-share", o.share, "in [0, 1)");
}

/// Separate data for validation.
struct ValidationData {
  std::string path = {};
  std::string_view of = "Data";  ///< for --help: "Pairs"
};

template <class Visitor>
void visit(ValidationData& o, Visitor&& v) {
  v("validation-data", o.path, std::string(o.of) + " to evaluate with (empty: none)");
}

/// What to set if an objective has no validation data (Objective::lacks_validation).
inline std::string lacks_validation(const ValidationShare& o) {
  return o.share > 0.0 ? "" : "validation-share above 0";
}
inline std::string lacks_validation(const ValidationData& o) {
  return o.path.empty() ? "validation-data" : "";
}

}  // namespace zoo
