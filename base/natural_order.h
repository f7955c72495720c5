// The order in which people sort names: "run-4" before "run-16".
#pragma once
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// Words and numbers in turn, to compare names by.
inline std::vector<std::pair<std::string, double>> as_people_sort(const std::string& name) {
  std::vector<std::pair<std::string, double>> parts;
  constexpr std::string_view kDigits = "0123456789";
  for (size_t at = 0; at < name.size();) {
    const size_t number = std::min(name.find_first_of(kDigits, at), name.size());
    const size_t end = std::min(name.find_first_not_of(kDigits, number), name.size());
    parts.emplace_back(name.substr(at, number - at),
                       std::strtod(name.substr(number, end - number).c_str(), nullptr));
    at = end;
  }
  return parts;
}

}  // namespace zoo
