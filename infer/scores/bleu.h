// BLEU: the share of a translation's 1- to 4-grams that occur in its references.
// Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL.
// Numbers and defaults are those of sacrebleu 2.6.0 (Post 2018, arXiv:1804.08771).
#pragma once
#include <cstdint>
#include <optional>

#include "base/named_enum.h"
#include "infer/scores/bleu_words.h"
#include "infer/scores/metric.h"

namespace zoo {

/// Smoothing of orders without a match, which would make the whole score 0 (Chen and Cherry 2014,
/// "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU", §3).
enum class BleuSmoothing {
  kExp,    ///< method 3: half a match at the first such order, a quarter at the next, ...
  kFloor,  ///< method 1: `smooth_value` of a match (0.1)
  kAddK,   ///< method 2: `smooth_value` (1) more matches and more n-grams in every order from 2
  kNone,   ///< nothing
};

template <>
struct EnumNames<BleuSmoothing> {
  static constexpr std::string_view what = "smoothing";
  static constexpr std::pair<BleuSmoothing, std::string_view> values[] = {
      {BleuSmoothing::kExp, "exp"},
      {BleuSmoothing::kFloor, "floor"},
      {BleuSmoothing::kAddK, "add-k"},
      {BleuSmoothing::kNone, "none"}};
};

struct BleuOptions {
  BleuTokenizer tokenizer = BleuTokenizer::k13a;
  BleuSmoothing smoothing = BleuSmoothing::kExp;
  std::optional<double> smooth_value = {};  ///< nullopt: the method's default
  bool lowercase = false;
  bool effective_order = false;  ///< omit orders longer than the text, for single sentences
  int64_t max_order = 4;         ///< longest n-gram
};

/// Statistics: words of the hypothesis, words of the references, then matches of every order, then
/// the hypothesis's n-grams of every order.
class Bleu : public Metric {
 public:
  /// Throws std::invalid_argument for an order below 1, or a tokenizer that is not available.
  explicit Bleu(BleuOptions options = {});
  std::string name() const override { return "BLEU"; }
  std::string rules() const override;
  Statistics count(std::string_view hypothesis,
                   std::span<const std::string> references) const override;
  /// Details: "75.0/50.0/33.3/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4)", the
  /// precisions in per cent, smoothed.
  Score score(const Statistics& sum) const override;

 private:
  BleuOptions options_;
};

}  // namespace zoo
