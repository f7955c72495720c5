#include "tokenizers/text/unicode_properties.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace zoo::unicode {
namespace {

struct Named {
  std::string_view name;
  size_t property;
};
#include "tokenizers/text/unicode_properties_data.inc"

constexpr std::pair<std::string_view, std::string_view> kLongNames[] = {
    {"letter", "L"},
    {"mark", "M"},
    {"number", "N"},
    {"punctuation", "P"},
    {"symbol", "S"},
    {"separator", "Z"},
    {"other", "C"},
    {"uppercaseletter", "Lu"},
    {"lowercaseletter", "Ll"},
    {"titlecaseletter", "Lt"},
    {"modifierletter", "Lm"},
    {"otherletter", "Lo"},
    {"nonspacingmark", "Mn"},
    {"spacingmark", "Mc"},
    {"enclosingmark", "Me"},
    {"combiningmark", "M"},
    {"decimalnumber", "Nd"},
    {"letternumber", "Nl"},
    {"othernumber", "No"},
    {"connectorpunctuation", "Pc"},
    {"dashpunctuation", "Pd"},
    {"openpunctuation", "Ps"},
    {"closepunctuation", "Pe"},
    {"initialpunctuation", "Pi"},
    {"finalpunctuation", "Pf"},
    {"otherpunctuation", "Po"},
    {"mathsymbol", "Sm"},
    {"currencysymbol", "Sc"},
    {"modifiersymbol", "Sk"},
    {"othersymbol", "So"},
    {"spaceseparator", "Zs"},
    {"lineseparator", "Zl"},
    {"paragraphseparator", "Zp"},
    {"control", "Cc"},
    {"format", "Cf"},
    {"privateuse", "Co"},
    {"unassigned", "Cn"},
};

CodePointSet set_of(size_t property) {
  std::vector<CodePointSet::Range> ranges;
  char32_t code = 0;
  for (size_t i = kBegins[property]; i + 1 < kBegins[property + 1]; i += 2) {
    const char32_t first = code + kSteps[i];
    code = first + kSteps[i + 1];
    ranges.push_back({first, code - 1});
  }
  return CodePointSet::of(ranges);
}

std::optional<CodePointSet> listed(std::string_view name) {
  const auto* found =
      std::lower_bound(std::begin(kNamed), std::end(kNamed), name,
                       [](const Named& named, std::string_view n) { return named.name < n; });
  if (found == std::end(kNamed) || found->name != name) return std::nullopt;
  return set_of(found->property);
}

std::string in_small_letters(std::string_view name) {
  std::string small;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    small += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return small;
}

/// "lu" -> "Lu".
std::string as_category(std::string name) {
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') {
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
  }
  return name;
}

}  // namespace

std::optional<CodePointSet> property_named(std::string_view name) {
  const std::string small = in_small_letters(name);
  if (auto set = listed(small)) return set;
  std::string category = small.size() <= 2 ? as_category(small) : std::string();
  for (const auto& [known, short_name] : kLongNames) {
    if (small == known) category = short_name;
  }
  const auto classes = classes_named(category);
  return classes ? std::optional(CodePointSet::with(*classes)) : std::nullopt;
}

std::optional<CodePointSet> posix_class_named(std::string_view name) {
  return listed("[:" + std::string(name) + ":]");
}

}  // namespace zoo::unicode
