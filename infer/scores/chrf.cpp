#include "infer/scores/chrf.h"

#include <fmt/format.h>

#include "infer/scores/corpus.h"
#include "infer/scores/ngrams.h"
#include "infer/scores/score_text.h"

namespace zoo {
namespace {

bool is_ascii_punctuation(char32_t c) {
  constexpr std::u32string_view signs = U"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  return signs.find(c) != std::u32string_view::npos;
}

/// One sign is parted off each word: the last character, or else the first. So "(hi)" becomes "(hi"
/// and ")", as in the author's program.
std::vector<std::u32string> words_and_signs(std::u32string_view text) {
  std::vector<std::u32string> parts;
  for (const std::u32string& word : split_words(text)) {
    const size_t n = word.size();
    if (n > 1 && is_ascii_punctuation(word.back())) {
      parts.insert(parts.end(), {word.substr(0, n - 1), word.substr(n - 1)});
    } else if (n > 1 && is_ascii_punctuation(word.front())) {
      parts.insert(parts.end(), {word.substr(0, 1), word.substr(1)});
    } else {
      parts.push_back(word);
    }
  }
  return parts;
}

/// The n-grams of every order, characters first.
std::vector<NgramCounts> count_orders(std::string_view text, const ChrfOptions& options) {
  std::u32string line = to_code_points(text);
  if (options.lowercase) line = lower_case(line);
  std::u32string characters = options.whitespace ? line : U"";
  if (!options.whitespace) {
    for (const auto& word : split_words(line)) characters += word;
  }
  std::vector<NgramCounts> orders;
  for (size_t n = 1; n <= options.character_order; ++n) {
    orders.push_back(count_character_ngrams(characters, n));
  }
  const auto words = words_and_signs(line);
  for (size_t n = 1; n <= options.word_order; ++n) orders.push_back(count_word_ngrams(words, n));
  return orders;
}

std::vector<ChrfCounts> compare(const std::vector<NgramCounts>& hypothesis,
                                const std::vector<NgramCounts>& reference) {
  std::vector<ChrfCounts> counts;
  for (size_t i = 0; i < hypothesis.size(); ++i) {
    // An order that the reference is too short for does not count against the hypothesis.
    counts.push_back({.hypothesis = reference[i].empty() ? 0 : total(hypothesis[i]),
                      .reference = total(reference[i]),
                      .matches = matches(hypothesis[i], reference[i])});
  }
  return counts;
}

constexpr double kEpsilon = 1e-16;

double ratio(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : kEpsilon;
}

/// Popović 2015, Eq. 1.
double f_score(double precision, double recall, double beta, double if_nothing) {
  const double factor = beta * beta, below = factor * precision + recall;
  return below > 0 ? (1 + factor) * precision * recall / below : if_nothing;
}

}  // namespace

double chrf_of_counts(const std::vector<ChrfCounts>& counts, const ChrfOptions& options) {
  double scores = 0, precisions = 0, recalls = 0;
  int64_t orders = 0;
  for (const ChrfCounts& c : counts) {
    const double precision = ratio(c.matches, c.hypothesis), recall = ratio(c.matches, c.reference);
    scores += f_score(precision, recall, options.beta, kEpsilon);
    if (c.hypothesis == 0 || c.reference == 0) continue;
    precisions += precision;
    recalls += recall;
    ++orders;
  }
  if (options.epsilon) return 100 * scores / static_cast<double>(counts.size());
  if (orders == 0) return 0;
  const auto n = static_cast<double>(orders);
  return 100 * f_score(precisions / n, recalls / n, options.beta, 0);
}

std::vector<ChrfCounts> count_chrf(std::string_view hypothesis,
                                   std::span<const std::string> references,
                                   const ChrfOptions& options) {
  const auto orders = count_orders(hypothesis, options);
  std::vector<ChrfCounts> best;
  double best_score = -1;
  for (const std::string& reference : references) {
    auto counts = compare(orders, count_orders(reference, options));
    const double score = chrf_of_counts(counts, options);
    if (score <= best_score) continue;
    best_score = score;
    best = std::move(counts);
  }
  return best;
}

double corpus_chrf(std::span<const std::string> hypotheses,
                   const std::vector<std::vector<std::string>>& references,
                   const ChrfOptions& options) {
  require_aligned("chrF", hypotheses.size(), references);
  std::vector<ChrfCounts> sum(options.character_order + options.word_order);
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const auto counts = count_chrf(hypotheses[i], references_of(references, i), options);
    for (size_t order = 0; order < sum.size(); ++order) {
      sum[order].hypothesis += counts[order].hypothesis;
      sum[order].reference += counts[order].reference;
      sum[order].matches += counts[order].matches;
    }
  }
  return chrf_of_counts(sum, options);
}

double sentence_chrf(std::string_view hypothesis, std::span<const std::string> references,
                     const ChrfOptions& options) {
  return chrf_of_counts(count_chrf(hypothesis, references, options), options);
}

std::string chrf_name(const ChrfOptions& options) {
  return fmt::format("chrF{}{}", options.beta, std::string(options.word_order, '+'));
}

std::string chrf_signature(size_t references, const ChrfOptions& options) {
  return fmt::format("nrefs:{}|case:{}|eff:{}|nc:{}|nw:{}|space:{}|version:{}", references,
                     options.lowercase ? "lc" : "mixed", options.epsilon ? "no" : "yes",
                     options.character_order, options.word_order, options.whitespace ? "yes" : "no",
                     kScoresVersion);
}

}  // namespace zoo
