#include "infer/scores/ter.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "infer/scores/translation_edits.h"

namespace zoo {

Statistics Ter::count(std::string_view hypothesis, std::span<const std::string> references) const {
  const auto words = ter_words(hypothesis, options_);
  int64_t fewest = std::numeric_limits<int64_t>::max(), lengths = 0;
  for (const std::string& reference : references) {
    const auto wanted = ter_words(reference, options_);
    fewest = std::min(fewest, count_translation_edits(words, wanted));
    lengths += std::ssize(wanted);
  }
  return {static_cast<double>(fewest),
          static_cast<double>(lengths) / static_cast<double>(references.size())};
}

Score Ter::score(const Statistics& sum) const {
  const double edits = sum[0], length = sum[1];
  if (length > 0) return {100 * (edits / length), ""};
  return {edits > 0 ? 100.0 : 0.0, ""};
}

std::string Ter::rules() const {
  const auto yes_or_no = [](bool value) { return value ? "yes" : "no"; };
  return fmt::format("case:{}|tok:tercom|norm:{}|punct:{}|asian:{}",
                     options_.case_sensitive ? "mixed" : "lc", yes_or_no(options_.normalized),
                     yes_or_no(!options_.no_punctuation), yes_or_no(options_.asian_support));
}

}  // namespace zoo
