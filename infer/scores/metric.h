// The interface of all translation scores: statistics of each line, summed over lines, and a
// formula on the sums. So a corpus score is not the mean of its lines' scores.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// The statistics of a line; every line has the same entries, so that they can be added.
using Statistics = std::vector<double>;

/// The references of each line: at least one; their number may vary.
using References = std::vector<std::vector<std::string>>;

struct Score {
  double value = 0;     ///< in per cent
  std::string details;  ///< what sacrebleu prints after the number; may be empty
};

class Metric {
 public:
  virtual ~Metric() = default;
  /// "BLEU", "chrF2++", "TER"
  virtual std::string name() const = 0;
  /// The options in sacrebleu's notation: "case:mixed|eff:no|tok:13a|smooth:exp".
  virtual std::string rules() const = 0;
  virtual Statistics count(std::string_view hypothesis,
                           std::span<const std::string> references) const = 0;
  virtual Score score(const Statistics& sum) const = 0;
};

/// Throws std::invalid_argument unless there are lines, and one or more references for each.
Score corpus_score(const Metric& metric, std::span<const std::string> hypotheses,
                   const References& references);
Score sentence_score(const Metric& metric, std::string_view hypothesis,
                     std::span<const std::string> references);

/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0+zoo": a score's rules in sacrebleu's
/// notation; the version is that of sacrebleu's rules, computed by the zoo.
std::string signature(const Metric& metric, const References& references);

/// From lists (lists[r][i] is the r-th reference of line i) to lines. `skip_empty`: an empty text
/// is no reference. Throws std::invalid_argument if lists differ in length.
References references_by_line(const std::vector<std::vector<std::string>>& lists,
                              bool skip_empty = false);

}  // namespace zoo
