#include "app/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace zoo {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i) + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const int replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& known,
                                    size_t most) {
  // Of a short name, two changed letters leave nothing: "temp" is not "help".
  const int farthest = name.size() < 5 ? 1 : static_cast<int>(name.size()) / 3 + 1;
  std::vector<std::pair<int, std::string>> near;
  for (const std::string& other : known) {
    const int distance = edit_distance(name, other);
    if (distance <= farthest) near.emplace_back(distance, other);
  }
  std::ranges::stable_sort(near, {}, [](const auto& entry) { return entry.first; });
  if (near.size() > most) near.resize(most);
  std::vector<std::string> names;
  for (auto& [distance, other] : near) names.push_back(std::move(other));
  return names;
}

}  // namespace zoo
