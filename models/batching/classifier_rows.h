// Texts and words as rows for a classifying BERT. Devlin et al. 2018 (arXiv:1810.04805), §4 and
// Figure 4: one text or a pair for a class; of words, the first piece of each stands for it (§5.3).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenizers/batch.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// One sequence: [CLS] A [SEP], or [CLS] A [SEP] B [SEP].
struct ClassifierRow {
  std::vector<int32_t> ids, segments;
  /// Of words: the position of each one's first piece; -1 where it has none, or was cut off.
  std::vector<int64_t> first_pieces = {};
  bool was_cut = false;
};

/// Texts longer than `context` are cut, of a pair the longer one first.
ClassifierRow text_row(const Tokenizer& tokenizer, const TextPair& text, int64_t context);
/// The words with a space between them; what is beyond `context` is cut.
ClassifierRow words_row(const Tokenizer& tokenizer, const std::vector<std::string>& words,
                        int64_t context);

/// Rows as tensors, padded on the right to the longest.
struct ClassifierBatch {
  torch::Tensor tokens;    // [B, T] int64
  torch::Tensor segments;  // [B, T] int64
  torch::Tensor lengths;   // [B] int64
};
ClassifierBatch collate_rows(const std::vector<ClassifierRow>& rows,
                             std::span<const int64_t> indices, int64_t pad);

}  // namespace zoo
