#include "infer/scores/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace zoo {
namespace {

/// Whose rules the scores follow, and who computed them.
constexpr std::string_view kVersion = "2.6.0+zoo";

void require_aligned(const Metric& metric, size_t hypotheses, const References& references) {
  const std::string name = metric.name();
  if (hypotheses == 0)
    throw std::invalid_argument(fmt::format("{}: there is no line to score", name));
  if (hypotheses != references.size()) {
    throw std::invalid_argument(
        fmt::format("{}: there must be as many lines of references as hypotheses, but there are {} "
                    "and {}",
                    name, references.size(), hypotheses));
  }
  const auto bare = std::ranges::find_if(references, [](const auto& line) { return line.empty(); });
  if (bare != references.end()) {
    throw std::invalid_argument(
        fmt::format("{}: line {} has no reference; give it one, or leave the line out of all files",
                    name, bare - references.begin() + 1));
  }
}

}  // namespace

Score corpus_score(const Metric& metric, std::span<const std::string> hypotheses,
                   const References& references) {
  require_aligned(metric, hypotheses.size(), references);
  Statistics sum = metric.count(hypotheses[0], references[0]);
  for (size_t i = 1; i < hypotheses.size(); ++i) {
    const Statistics line = metric.count(hypotheses[i], references[i]);
    std::ranges::transform(sum, line, sum.begin(), std::plus{});
  }
  return metric.score(sum);
}

Score sentence_score(const Metric& metric, std::string_view hypothesis,
                     std::span<const std::string> references) {
  return metric.score(metric.count(hypothesis, references));
}

std::string signature(const Metric& metric, const References& references) {
  const auto differs = [&](const auto& line) { return line.size() != references[0].size(); };
  const std::string number = std::ranges::any_of(references, differs)
                                 ? "var"
                                 : fmt::format("{}", references.empty() ? 0 : references[0].size());
  return fmt::format("nrefs:{}|{}|version:{}", number, metric.rules(), kVersion);
}

References references_by_line(const std::vector<std::vector<std::string>>& lists, bool skip_empty) {
  References lines(lists.empty() ? 0 : lists[0].size());
  for (size_t r = 0; r < lists.size(); ++r) {
    if (lists[r].size() != lines.size()) {
      throw std::invalid_argument(
          fmt::format("the lists of references must be of one length, but the first has {} lines "
                      "and list {} has {}",
                      lines.size(), r + 1, lists[r].size()));
    }
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!skip_empty || !lists[r][i].empty()) lines[i].push_back(lists[r][i]);
    }
  }
  return lines;
}

}  // namespace zoo
