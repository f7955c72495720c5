// Names that a mistyped one may stand for.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// How many letters must be changed, added or removed to turn one text into the other.
int edit_distance(std::string_view a, std::string_view b);

/// The names that are similar to `name`, the most similar first, at most `most`.
std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& known,
                                    size_t most);

}  // namespace zoo
