#include "infer/scores/chrf.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

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
  for (int64_t n = 1; n <= options.character_order; ++n) {
    orders.push_back(count_character_ngrams(characters, static_cast<size_t>(n)));
  }
  const auto words = words_and_signs(line);
  for (int64_t n = 1; n <= options.word_order; ++n) {
    orders.push_back(count_word_ngrams(words, static_cast<size_t>(n)));
  }
  return orders;
}

Statistics compare(const std::vector<NgramCounts>& hypothesis,
                   const std::vector<NgramCounts>& reference) {
  Statistics counts;
  for (size_t i = 0; i < hypothesis.size(); ++i) {
    // An order that the reference is too short for does not count against the hypothesis.
    const int64_t found = reference[i].empty() ? 0 : total(hypothesis[i]);
    for (const int64_t n : {found, total(reference[i]), matches(hypothesis[i], reference[i])}) {
      counts.push_back(static_cast<double>(n));
    }
  }
  return counts;
}

constexpr double kEpsilon = 1e-16;

double ratio(double part, double whole) { return whole > 0 ? part / whole : kEpsilon; }

/// Popović 2015, Eq. 1.
double f_score(double precision, double recall, double beta, double if_nothing) {
  const double factor = beta * beta, below = factor * precision + recall;
  return below > 0 ? (1 + factor) * precision * recall / below : if_nothing;
}

}  // namespace

Chrf::Chrf(ChrfOptions options) : options_(options) {
  const auto in_range = [](int64_t order) { return order >= 0 && order <= 1000; };
  if (!in_range(options_.character_order) || !in_range(options_.word_order) ||
      options_.character_order + options_.word_order == 0) {
    throw std::invalid_argument(
        fmt::format("chrF: the longest runs of characters and of words must be from 0 to 1000 and "
                    "not both 0, but they are {} and {}",
                    options_.character_order, options_.word_order));
  }
  if (!std::isfinite(options_.beta)) {
    throw std::invalid_argument(fmt::format("chrF: beta must be a number, not {}", options_.beta));
  }
}

Score Chrf::score(const Statistics& sum) const {
  double scores = 0, precisions = 0, recalls = 0, orders = 0;
  for (size_t i = 0; i < sum.size(); i += 3) {
    const double found = sum[i], wanted = sum[i + 1], both = sum[i + 2];
    const double precision = ratio(both, found), recall = ratio(both, wanted);
    scores += f_score(precision, recall, options_.beta, kEpsilon);
    if (found == 0 || wanted == 0) continue;
    precisions += precision;
    recalls += recall;
    ++orders;
  }
  if (options_.epsilon) return {100 * scores / static_cast<double>(sum.size() / 3), ""};
  if (orders == 0) return {};
  return {100 * f_score(precisions / orders, recalls / orders, options_.beta, 0), ""};
}

Statistics Chrf::count(std::string_view hypothesis, std::span<const std::string> references) const {
  const auto orders = count_orders(hypothesis, options_);
  Statistics best;
  double best_score = -1;
  for (const std::string& reference : references) {
    Statistics counts = compare(orders, count_orders(reference, options_));
    const double value = score(counts).value;
    if (value <= best_score) continue;
    best_score = value;
    best = std::move(counts);
  }
  return best;
}

std::string Chrf::name() const {
  return fmt::format("chrF{}{}", options_.beta,
                     std::string(static_cast<size_t>(options_.word_order), '+'));
}

std::string Chrf::rules() const {
  return fmt::format("case:{}|eff:{}|nc:{}|nw:{}|space:{}", options_.lowercase ? "lc" : "mixed",
                     options_.epsilon ? "no" : "yes", options_.character_order, options_.word_order,
                     options_.whitespace ? "yes" : "no");
}

}  // namespace zoo
