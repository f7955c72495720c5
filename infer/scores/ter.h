// TER: the number of edits from a translation to its reference, in per cent of the reference's
// words. An edit inserts, deletes or replaces a word, or moves consecutive words. Lower is better.
// Snover et al. 2006, "A Study of Translation Edit Rate with Targeted Human Annotation", AMTA.
// Numbers are those of sacrebleu 2.6.0, which follows the authors' program Tercom.
#pragma once
#include "infer/scores/metric.h"

namespace zoo {

struct TerOptions {
  bool normalized = false;      ///< replace entities, and separate punctuation from words
  bool no_punctuation = false;  ///< omit punctuation
  bool asian_support = false;   ///< both also for Chinese and Japanese
  bool case_sensitive = false;
};

/// The words that TER compares.
std::vector<std::u32string> ter_words(std::string_view text, const TerOptions& options = {});

/// Statistics: the fewest edits to any reference, and the mean length of the references in words.
class Ter : public Metric {
 public:
  explicit Ter(TerOptions options = {}) : options_(options) {}
  std::string name() const override { return "TER"; }
  std::string rules() const override;
  Statistics count(std::string_view hypothesis,
                   std::span<const std::string> references) const override;
  Score score(const Statistics& sum) const override;

 private:
  TerOptions options_;
};

}  // namespace zoo
