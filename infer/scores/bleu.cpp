#include "infer/scores/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "infer/scores/corpus.h"
#include "infer/scores/ngrams.h"

namespace zoo {
namespace {

/// The length nearest to the hypothesis; of two as near the shorter (§2.2.2, "best match length").
int64_t nearest_length(int64_t hypothesis, const std::vector<std::vector<std::u32string>>& texts) {
  std::pair<int64_t, int64_t> best{-1, 0};  // distance, length
  for (const auto& words : texts) {
    const auto length = static_cast<int64_t>(words.size());
    const std::pair candidate{std::abs(hypothesis - length), length};
    if (best.first < 0 || candidate < best) best = candidate;
  }
  return best.second;
}

/// Of each n-gram as many as the reference that has most of it.
NgramCounts most_of_each(const std::vector<std::vector<std::u32string>>& texts, size_t n) {
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

double brevity_penalty(const BleuCounts& counts) {
  if (counts.hypothesis_length >= counts.reference_length) return 1.0;
  if (counts.hypothesis_length == 0) return 0.0;
  return std::exp(1 - static_cast<double>(counts.reference_length) /
                          static_cast<double>(counts.hypothesis_length));  // §2.3
}

double log_or_lowest(double x) { return x == 0 ? -9999999999.0 : std::log(x); }

/// Fills the precisions; returns how many orders count.
size_t smoothed_precisions(const BleuCounts& counts, const BleuOptions& options,
                           std::array<double, kBleuOrder>& precisions) {
  double halved = 1;
  size_t orders = options.effective_order ? 1 : kBleuOrder;
  for (size_t i = 0; i < kBleuOrder; ++i) {
    const bool adds = options.smoothing == BleuSmoothing::kAddK && i > 0;
    const double added = adds ? smooth_value(options) : 0.0;
    const double correct = static_cast<double>(counts.correct[i]) + added;
    const double total = static_cast<double>(counts.total[i]) + added;
    if (total == 0) break;
    if (options.effective_order) orders = i + 1;
    if (correct != 0) {
      precisions[i] = 100.0 * correct / total;
    } else if (options.smoothing == BleuSmoothing::kExp) {
      halved *= 2;
      precisions[i] = 100.0 / (halved * total);
    } else if (options.smoothing == BleuSmoothing::kFloor) {
      precisions[i] = 100.0 * smooth_value(options) / total;
    }
  }
  return orders;
}

}  // namespace

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) {
  hypothesis_length += other.hypothesis_length;
  reference_length += other.reference_length;
  for (size_t i = 0; i < kBleuOrder; ++i) {
    correct[i] += other.correct[i];
    total[i] += other.total[i];
  }
  return *this;
}

BleuCounts count_bleu(std::string_view hypothesis, std::span<const std::string> references,
                      const BleuOptions& options) {
  const auto words = bleu_words(hypothesis, options.tokenizer, options.lowercase);
  std::vector<std::vector<std::u32string>> texts;
  for (const std::string& reference : references) {
    texts.push_back(bleu_words(reference, options.tokenizer, options.lowercase));
  }
  BleuCounts counts;
  counts.hypothesis_length = static_cast<int64_t>(words.size());
  counts.reference_length = nearest_length(counts.hypothesis_length, texts);
  for (size_t i = 0; i < kBleuOrder; ++i) {
    const NgramCounts found = count_word_ngrams(words, i + 1);
    counts.correct[i] = matches(found, most_of_each(texts, i + 1));
    counts.total[i] = total(found);
  }
  return counts;
}

BleuScore bleu_of_counts(const BleuCounts& counts, const BleuOptions& options) {
  BleuScore score{.brevity_penalty = brevity_penalty(counts),
                  .hypothesis_length = counts.hypothesis_length,
                  .reference_length = counts.reference_length};
  const auto none = [](int64_t count) { return count == 0; };
  if (std::all_of(counts.correct.begin(), counts.correct.end(), none)) return score;
  const size_t orders = smoothed_precisions(counts, options, score.precisions);
  double sum = 0;
  for (size_t i = 0; i < orders; ++i) sum += log_or_lowest(score.precisions[i]);
  score.score = score.brevity_penalty * std::exp(sum / static_cast<double>(orders));
  return score;
}

BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                      const std::vector<std::vector<std::string>>& references,
                      const BleuOptions& options) {
  require_aligned("BLEU", hypotheses.size(), references);
  BleuCounts counts;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    counts += count_bleu(hypotheses[i], references_of(references, i), options);
  }
  return bleu_of_counts(counts, options);
}

BleuScore sentence_bleu(std::string_view hypothesis, std::span<const std::string> references,
                        const BleuOptions& options) {
  return bleu_of_counts(count_bleu(hypothesis, references, options), options);
}

std::string bleu_signature(size_t references, const BleuOptions& options) {
  std::string smoothing(name_of(options.smoothing));
  const bool has_value =
      options.smoothing == BleuSmoothing::kFloor || options.smoothing == BleuSmoothing::kAddK;
  if (has_value) smoothing += fmt::format("[{:.2f}]", smooth_value(options));
  return fmt::format("nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}|version:{}", references,
                     options.lowercase ? "lc" : "mixed", options.effective_order ? "yes" : "no",
                     name_of(options.tokenizer), smoothing, kScoresVersion);
}

std::string bleu_details(const BleuScore& score) {
  const auto& p = score.precisions;
  const double ratio = score.reference_length == 0
                           ? 0.0
                           : static_cast<double>(score.hypothesis_length) /
                                 static_cast<double>(score.reference_length);
  return fmt::format(
      "{:.1f}/{:.1f}/{:.1f}/{:.1f} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})", p[0],
      p[1], p[2], p[3], score.brevity_penalty, ratio, score.hypothesis_length,
      score.reference_length);
}

}  // namespace zoo
