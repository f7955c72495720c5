#include "infer/scores/bleu.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "infer/scores/ngrams.h"

namespace zoo {
namespace {

using Words = std::vector<std::u32string>;

/// The length nearest to the hypothesis; of two as near the shorter (§2.2.2, "best match length").
int64_t nearest_length(int64_t hypothesis, const std::vector<Words>& texts) {
  std::pair<int64_t, int64_t> best{-1, 0};  // distance, length
  for (const auto& words : texts) {
    const auto length = std::ssize(words);
    const std::pair candidate{std::abs(hypothesis - length), length};
    if (best.first < 0 || candidate < best) best = candidate;
  }
  return best.second;
}

/// Of each n-gram as many as the reference that has most of it.
NgramCounts most_of_each(const std::vector<Words>& texts, size_t n) {
  NgramCounts most;
  for (const auto& words : texts) {
    for (const auto& [ngram, count] : count_word_ngrams(words, n)) {
      int64_t& known = most[ngram];
      known = std::max(known, count);
    }
  }
  return most;
}

double smooth_value(const BleuOptions& options) {
  return options.smooth_value.value_or(options.smoothing == BleuSmoothing::kFloor ? 0.1 : 1.0);
}

double brevity_penalty(double hypothesis_length, double reference_length) {
  if (hypothesis_length >= reference_length) return 1.0;
  if (hypothesis_length == 0) return 0.0;
  return std::exp(1 - reference_length / hypothesis_length);  // §2.3
}

double log_or_lowest(double x) { return x == 0 ? -9999999999.0 : std::log(x); }

struct Precisions {
  std::vector<double> values;  // in per cent
  size_t orders = 0;           // how many of them count
};

Precisions smoothed(std::span<const double> correct, std::span<const double> total,
                    const BleuOptions& options) {
  Precisions precisions{std::vector<double>(correct.size()),
                        options.effective_order ? 1 : correct.size()};
  double halved = 1;
  for (size_t i = 0; i < correct.size(); ++i) {
    const bool adds = options.smoothing == BleuSmoothing::kAddK && i > 0;
    const double added = adds ? smooth_value(options) : 0.0;
    const double matches = correct[i] + added, ngrams = total[i] + added;
    if (ngrams == 0) break;
    if (options.effective_order) precisions.orders = i + 1;
    if (matches != 0) {
      precisions.values[i] = 100.0 * matches / ngrams;
    } else if (options.smoothing == BleuSmoothing::kExp) {
      halved *= 2;
      precisions.values[i] = 100.0 / (halved * ngrams);
    } else if (options.smoothing == BleuSmoothing::kFloor) {
      precisions.values[i] = 100.0 * smooth_value(options) / ngrams;
    }
  }
  return precisions;
}

std::string details(const Precisions& precisions, double penalty, double length, double wanted) {
  return fmt::format("{:.1f} (BP = {:.3f} ratio = {:.3f} hyp_len = {:.0f} ref_len = {:.0f})",
                     fmt::join(precisions.values, "/"), penalty, wanted == 0 ? 0 : length / wanted,
                     length, wanted);
}

}  // namespace

Bleu::Bleu(BleuOptions options) : options_(options) {
  if (options_.max_order < 1 || options_.max_order > 1000) {
    throw std::invalid_argument(fmt::format(
        "BLEU: the longest run of words must be from 1 to 1000, not {}", options_.max_order));
  }
  require_tokenizer(options_.tokenizer);
}

Statistics Bleu::count(std::string_view hypothesis, std::span<const std::string> references) const {
  const auto words_of = [this](std::string_view text) {
    return bleu_words(text, options_.tokenizer, options_.lowercase);
  };
  const Words words = words_of(hypothesis);
  std::vector<Words> texts;
  for (const std::string& reference : references) texts.push_back(words_of(reference));
  Statistics counts = {static_cast<double>(words.size()),
                       static_cast<double>(nearest_length(std::ssize(words), texts))};
  Statistics totals;
  for (size_t n = 1; n <= static_cast<size_t>(options_.max_order); ++n) {
    const NgramCounts found = count_word_ngrams(words, n);
    counts.push_back(static_cast<double>(matches(found, most_of_each(texts, n))));
    totals.push_back(static_cast<double>(total(found)));
  }
  counts.insert(counts.end(), totals.begin(), totals.end());
  return counts;
}

Score Bleu::score(const Statistics& sum) const {
  const auto orders = static_cast<size_t>(options_.max_order);
  const std::span all(sum);
  const auto correct = all.subspan(2, orders), total = all.subspan(2 + orders, orders);
  const double penalty = brevity_penalty(sum[0], sum[1]);
  if (std::ranges::all_of(correct, [](double count) { return count == 0; })) {
    return {0.0, details({std::vector<double>(orders)}, penalty, sum[0], sum[1])};
  }
  const Precisions precisions = smoothed(correct, total, options_);
  double logarithms = 0;
  for (size_t i = 0; i < precisions.orders; ++i) logarithms += log_or_lowest(precisions.values[i]);
  return {penalty * std::exp(logarithms / static_cast<double>(precisions.orders)),  // §2.3
          details(precisions, penalty, sum[0], sum[1])};
}

std::string Bleu::rules() const {
  std::string smoothing(name_of(options_.smoothing));
  const bool has_value =
      options_.smoothing == BleuSmoothing::kFloor || options_.smoothing == BleuSmoothing::kAddK;
  if (has_value) smoothing += fmt::format("[{:.2f}]", smooth_value(options_));
  return fmt::format("case:{}|eff:{}|tok:{}|smooth:{}", options_.lowercase ? "lc" : "mixed",
                     options_.effective_order ? "yes" : "no", signature_of(options_.tokenizer),
                     smoothing);
}

}  // namespace zoo
