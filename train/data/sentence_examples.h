// Sentences of a text, packed into the sequences that a BERT is trained on: Devlin et al. 2018
// (arXiv:1810.04805), appendix A.2; without pairs: Liu et al. 2019 (arXiv:1907.11692), §4.2,
// "full-sentences"; pairs in order or swapped: Lan et al. 2019 (arXiv:1909.11942), §3.1.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/named_enum.h"
#include "models/batching/token_sequences.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// The text's non-empty lines as ids, and for each token the index of its word in the line.
struct Sentences {
  TokenSequences ids, words;
  int64_t size() const { return ids.size(); }
};

/// Throws std::runtime_error for text that cannot be read or encoded, or has no words.
Sentences read_sentences(const std::vector<std::filesystem::path>& files,
                         const Tokenizer& tokenizer);

/// The second part of a sequence: none; the next sentences or random ones; the next sentences, with
/// the two parts in order or swapped.
enum class SentencePairs { kNone, kNextOrRandom, kInOrderOrSwapped };

struct PackingOptions {
  int64_t context = 128;  ///< longest sequence, special tokens included
  SentencePairs pairs = SentencePairs::kNone;
  uint64_t seed = 0;  ///< of the pairs
};

/// Complete sequences: [CLS] A [SEP], or [CLS] A [SEP] B [SEP].
struct SentenceExamples {
  TokenSequences ids, words;        ///< words are numbered through a sequence
  std::vector<int64_t> first_part;  ///< tokens of segment 0
  std::vector<int64_t> pair;        ///< 0: B follows A; 1: it does not
  int64_t size() const { return ids.size(); }
};

/// Packs sentences begin .. end - 1 in order.
SentenceExamples pack_sentences(const Sentences& sentences, int64_t begin, int64_t end,
                                const Tokenizer& tokenizer, const PackingOptions& options);

}  // namespace zoo
