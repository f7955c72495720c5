// What all scores of translations are: numbers counted line by line, summed over the lines, and one
// formula over the sum. So a corpus's score is not the mean of its lines' scores.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// What is counted in one line; the same entries for every line, so that lines add up.
using Statistics = std::vector<double>;

/// The references of each line: at least one, not necessarily as many for each.
using References = std::vector<std::vector<std::string>>;

struct Score {
  double value = 0;     ///< in per cent
  std::string details;  ///< what sacrebleu prints behind the number; may be empty
};

class Metric {
 public:
  virtual ~Metric() = default;
  /// "BLEU", "chrF2++", "TER"
  virtual std::string name() const = 0;
  /// The options in sacrebleu's words: "case:mixed|eff:no|tok:13a|smooth:exp".
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

/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0+zoo": the rules behind a score, as
/// sacrebleu writes them; the version is whose rules they are, and that the zoo computed it.
std::string signature(const Metric& metric, const References& references);

/// From lists (lists[r][i] is the r-th reference of line i) to lines. `skip_empty`: an empty text
/// stands for a reference that does not exist. Throws std::invalid_argument where lists differ in
/// length.
References references_by_line(const std::vector<std::vector<std::string>>& lists,
                              bool skip_empty = false);

}  // namespace zoo
