// What the scores share: hypotheses and, line by line, one or more references of each.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Whose rules the scores follow, and who computed them.
inline constexpr std::string_view kScoresVersion = "2.6.0+zoo";

/// Throws std::invalid_argument unless every list of references has a line for each hypothesis, and
/// something is there at all.
void require_aligned(std::string_view who, size_t hypotheses,
                     const std::vector<std::vector<std::string>>& references);

/// The references of one line.
std::vector<std::string> references_of(const std::vector<std::vector<std::string>>& references,
                                       size_t line);

}  // namespace zoo
