// chrF: the F-score of character 1- to 6-grams; chrF++ adds word 1- and 2-grams.
// Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation", WMT; Popović 2017,
// "chrF++: words helping character n-grams", WMT. Numbers are those of sacrebleu 2.6.0.
#pragma once
#include <cstdint>

#include "infer/scores/metric.h"

namespace zoo {

struct ChrfOptions {
  int64_t character_order = 6;
  int64_t word_order = 0;  ///< 2: chrF++
  double beta = 2;         ///< recall counts beta times as much as precision
  bool lowercase = false;
  bool whitespace = false;  ///< character n-grams include white space
  /// The mean of the orders' F-scores, with a tiny number for orders without n-grams, like
  /// chrF++.py; otherwise the F-score of mean precision and recall over the orders that both texts
  /// have.
  bool epsilon = false;
};

/// Statistics: for every order, characters first, the n-grams of the hypothesis, of the reference
/// and of both. Of several references, the one with the best score counts.
class Chrf : public Metric {
 public:
  /// Throws std::invalid_argument for orders below 0, no order at all, or a beta that is NaN.
  explicit Chrf(ChrfOptions options = {});
  /// "chrF2", "chrF2++"
  std::string name() const override;
  std::string rules() const override;
  Statistics count(std::string_view hypothesis,
                   std::span<const std::string> references) const override;
  Score score(const Statistics& sum) const override;

 private:
  ChrfOptions options_;
};

}  // namespace zoo
