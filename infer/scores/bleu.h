// BLEU: how many runs of one to four words a translation shares with its references.
// Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL.
// Numbers and defaults are those of sacrebleu 2.6.0 (Post 2018, arXiv:1804.08771).
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/named_enum.h"
#include "infer/scores/bleu_tokenizer.h"

namespace zoo {

inline constexpr size_t kBleuOrder = 4;  // the longest run of words

/// What an order without a match counts, which would make the whole score 0 (Chen and Cherry 2014,
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
  std::optional<double> smooth_value = {};  ///< nothing: the method's own
  bool lowercase = false;
  bool effective_order = false;  ///< leave out orders longer than the text: for single sentences
};

struct BleuScore {
  double score = 0;                             ///< 0 to 100
  std::array<double, kBleuOrder> precisions{};  ///< in per cent, smoothed
  double brevity_penalty = 0;
  int64_t hypothesis_length = 0, reference_length = 0;  ///< in words
};

/// The parts of the score that add up over sentences.
struct BleuCounts {
  int64_t hypothesis_length = 0, reference_length = 0;
  std::array<int64_t, kBleuOrder> correct{}, total{};
  BleuCounts& operator+=(const BleuCounts& other);
};

BleuCounts count_bleu(std::string_view hypothesis, std::span<const std::string> references,
                      const BleuOptions& options = {});
BleuScore bleu_of_counts(const BleuCounts& counts, const BleuOptions& options = {});

/// references[r][i] is the r-th reference of hypotheses[i]. Throws std::invalid_argument where the
/// numbers of lines differ or nothing is there.
BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                      const std::vector<std::vector<std::string>>& references,
                      const BleuOptions& options = {});

/// One sentence: `effective_order` is advised.
BleuScore sentence_bleu(std::string_view hypothesis, std::span<const std::string> references,
                        const BleuOptions& options = {});

/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0+zoo": the rules behind a score, as
/// sacrebleu writes them; the version is whose rules they are, and that the zoo computed it.
std::string bleu_signature(size_t references, const BleuOptions& options = {});

/// "75.0/50.0/33.3/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4)"
std::string bleu_details(const BleuScore& score);

}  // namespace zoo
