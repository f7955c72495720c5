#include "notebooks-cpp/nb/claim.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "notebooks-cpp/nb/output.h"

namespace nb {
namespace {

struct Counts {
  int made = 0, failed = 0;
};
Counts& counts() {
  static Counts counts;
  return counts;
}

/// One JSON object a line, for the page that collects all claims.
void record(const nlohmann::json& claim) {
  const char* file = std::getenv("NB_CLAIMS");
  if (file == nullptr) return;
  std::ofstream out(file, std::ios::app);
  out << claim.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace)
      << '\n';
  if (!out.flush()) throw std::runtime_error(fmt::format("NB_CLAIMS: cannot write to '{}'", file));
}

struct Report {
  std::string text, measured;
  bool holds = false, refutes = false;
};

void report(const Report& made) {
  ++counts().made;
  if (!made.holds) ++counts().failed;
  record({{"claim", made.text},
          {"measured", made.measured},
          {"refuted", made.refutes},
          {"holds", made.holds}});
  const std::string_view mark = !made.holds ? "[FAILS]" : made.refutes ? "[refuted]" : "[holds]";
  const std::string line =
      fmt::format("{} {}{}", mark, made.text,
                  made.measured.empty() ? "" : fmt::format("  (measured {})", made.measured));
  print(line + "\n");
  if (!made.holds && in_notebook()) throw ClaimFailed(line);
}

}  // namespace

Bound near(double wanted, double tolerance) {
  return {.least = wanted - tolerance,
          .most = wanted + tolerance,
          .text = fmt::format("{:.4g} to within {:.4g}", wanted, tolerance)};
}
Bound at_most(double value) {
  return {.most = value, .text = fmt::format("at most {:.4g}", value)};
}
Bound at_least(double value) {
  return {.least = value, .text = fmt::format("at least {:.4g}", value)};
}
Bound between(double least, double most) {
  return {.least = least, .most = most, .text = fmt::format("from {:.4g} to {:.4g}", least, most)};
}

void claim(const std::string& text, double measured, const Bound& bound) {
  report({.text = text,
          .measured = fmt::format("{:.4g}; claimed: {}", measured, bound.text),
          .holds = bound.holds(measured)});
}

void detail::claim_truth(const std::string& text, bool holds) {
  report({.text = text, .measured = "", .holds = holds});
}

void refute(const std::string& text, double measured, const Bound& bound) {
  report({.text = text,
          .measured = fmt::format("{:.4g}, not {}", measured, bound.text),
          .holds = !std::isnan(measured) && !bound.holds(measured),
          .refutes = true});
}

int finish() {
  const auto [made, failed] = std::exchange(counts(), {});
  if (made == 0)
    print("no claim was made: a lesson checks what it says\n");
  else
    print(fmt::format("{} claims, {}\n", made,
                      failed == 0 ? "all hold" : fmt::format("{} of them do not hold", failed)));
  return made > 0 && failed == 0 ? 0 : 1;
}

}  // namespace nb
