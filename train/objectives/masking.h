// Masked language modelling: the model predicts hidden tokens. Devlin et al. 2018
// (arXiv:1810.04805), §3.1 and appendix A.1; new masks in every pass over the data: Liu et al. 2019
// (arXiv:1907.11692), §4.1.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace zoo {

struct MaskingOptions {
  double share = 0.15;       ///< of a text's tokens is to be predicted
  bool whole_words = false;  ///< the pieces of a word are chosen together
  bool always_mask = false;  ///< all chosen tokens become the mask
};

/// Shares of the chosen tokens that become the mask and a random token; the others are unchanged.
inline constexpr double kMaskedShare = 0.8, kRandomShare = 0.1;

/// The parts of a tokenizer that masking needs.
class MaskingVocabulary {
 public:
  /// Throws std::runtime_error if there is no mask token, or there are only special tokens.
  explicit MaskingVocabulary(const Tokenizer& tokenizer);
  int32_t mask() const { return mask_; }
  bool is_special(int32_t id) const { return special_[static_cast<size_t>(id)]; }
  /// The ids that are not special.
  const std::vector<int32_t>& ordinary() const { return ordinary_; }

 private:
  int32_t mask_ = 0;
  std::vector<bool> special_;
  std::vector<int32_t> ordinary_;
};

struct MaskedSequence {
  std::vector<int64_t> tokens;
  std::vector<int64_t> labels;  ///< the token that stood there; kIgnored where none was chosen
};

/// Identifies a draw: equal ones give equal masks.
struct MaskingDraw {
  uint64_t seed = 0;
  uint64_t counter = 0;  ///< of the rows drawn so far; the example's index for masks that stay
};

/// `words` holds word indices: the tokens of a word are adjacent and have the same index. Special
/// tokens are never chosen; if there are others, at least one of them is.
MaskedSequence mask_tokens(std::span<const int32_t> tokens, std::span<const int32_t> words,
                           const MaskingVocabulary& vocabulary, const MaskingOptions& options,
                           const MaskingDraw& draw);

}  // namespace zoo
