// chrF: the F-score of shared runs of one to six characters; chrF++ adds runs of one and two words.
// Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation", WMT; Popović 2017,
// "chrF++: words helping character n-grams", WMT. Numbers are those of sacrebleu 2.6.0.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

struct ChrfOptions {
  size_t character_order = 6;
  size_t word_order = 0;  ///< 2: chrF++
  double beta = 2;        ///< recall counts beta times as much as precision
  bool lowercase = false;
  bool whitespace = false;  ///< white space takes part in the runs of characters
  /// Mean of the orders' F-scores with a tiny number for those without n-grams, as chrF++.py;
  /// otherwise the F-score of the mean precision and recall over the orders that both texts have.
  bool epsilon = false;
};

/// The numbers of n-grams of one order.
struct ChrfCounts {
  int64_t hypothesis = 0, reference = 0, matches = 0;
};

/// One entry an order, characters first. Of several references the one with the best score counts.
std::vector<ChrfCounts> count_chrf(std::string_view hypothesis,
                                   std::span<const std::string> references,
                                   const ChrfOptions& options = {});
/// 0 to 100.
double chrf_of_counts(const std::vector<ChrfCounts>& counts, const ChrfOptions& options = {});

/// references[r][i] is the r-th reference of hypotheses[i]. Throws std::invalid_argument where the
/// numbers of lines differ or nothing is there.
double corpus_chrf(std::span<const std::string> hypotheses,
                   const std::vector<std::vector<std::string>>& references,
                   const ChrfOptions& options = {});
double sentence_chrf(std::string_view hypothesis, std::span<const std::string> references,
                     const ChrfOptions& options = {});

/// "chrF2", "chrF2++".
std::string chrf_name(const ChrfOptions& options = {});
/// "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0+zoo"
std::string chrf_signature(size_t references, const ChrfOptions& options = {});

}  // namespace zoo
