// Tables whose rows have a `name`, and options that choose a row by it.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// "vit, cct, cnn"
template <class Row>
std::string names_in(const std::vector<Row>& table) {
  std::string names;
  for (const Row& row : table) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

/// The row that --OPTION names. Throws std::invalid_argument that lists the known names.
template <class Row>
const Row& find_row(const std::vector<Row>& table, std::string_view option, std::string_view name) {
  for (const Row& row : table)
    if (row.name == name) return row;
  throw std::invalid_argument(
      fmt::format("--{0}: unknown {0} '{1}'; known are: {2}", option, name, names_in(table)));
}

}  // namespace zoo
