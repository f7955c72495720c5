#include "notebooks-cpp/nb/claim.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

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
  std::ofstream(file, std::ios::app) << claim.dump() << '\n';
}

void report(const std::string& text, const std::string& measured, bool holds) {
  ++counts().made;
  if (!holds) ++counts().failed;
  record({{"claim", text}, {"measured", measured}, {"holds", holds}});
  const std::string line =
      fmt::format("{} {}{}", holds ? "[holds]" : "[FAILS]", text,
                  measured.empty() ? "" : fmt::format("  (measured {})", measured));
  print(line + "\n");
  if (!holds && in_notebook()) throw ClaimFailed(line);
}

}  // namespace

std::string Bound::text() const {
  if (std::isinf(least)) return fmt::format("at most {:.4g}", most);
  if (std::isinf(most)) return fmt::format("at least {:.4g}", least);
  if (least == most) return fmt::format("{:.4g}", least);
  return fmt::format("from {:.4g} to {:.4g}", least, most);
}

Bound near(double wanted, double tolerance) {
  return {.least = wanted - tolerance, .most = wanted + tolerance};
}
Bound at_most(double value) { return {.most = value}; }
Bound at_least(double value) { return {.least = value}; }
Bound between(double least, double most) { return {.least = least, .most = most}; }

void claim(const std::string& text, double measured, const Bound& bound) {
  report(text, fmt::format("{:.4g}; claimed: {}", measured, bound.text()), bound.holds(measured));
}

void claim(const std::string& text, bool holds) { report(text, "", holds); }

void refute(const std::string& text, double measured, const Bound& bound) {
  report(text, fmt::format("{:.4g}; refuted: {}", measured, bound.text()),
         !std::isnan(measured) && !bound.holds(measured));
}

int finish() {
  const auto [made, failed] = counts();
  print(fmt::format("{} claims, {}\n", made,
                    failed == 0 ? "all hold" : fmt::format("{} of them do not hold", failed)));
  return made > 0 && failed == 0 ? 0 : 1;
}

}  // namespace nb
