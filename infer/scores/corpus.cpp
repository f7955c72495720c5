#include "infer/scores/corpus.h"

#include <fmt/format.h>

#include <stdexcept>

namespace zoo {

void require_aligned(std::string_view who, size_t hypotheses,
                     const std::vector<std::vector<std::string>>& references) {
  if (hypotheses == 0 || references.empty()) {
    throw std::invalid_argument(
        fmt::format("{}: at least one hypothesis and one list of references are needed", who));
  }
  for (size_t r = 0; r < references.size(); ++r) {
    if (references[r].size() == hypotheses) continue;
    throw std::invalid_argument(
        fmt::format("{}: there must be as many references as hypotheses, but list {} has {} and "
                    "there are {} hypotheses",
                    who, r + 1, references[r].size(), hypotheses));
  }
}

std::vector<std::string> references_of(const std::vector<std::vector<std::string>>& references,
                                       size_t line) {
  std::vector<std::string> texts;
  for (const auto& list : references) texts.push_back(list[line]);
  return texts;
}

}  // namespace zoo
