// The common part of the trainers of byte-level BPE, WordPiece and BPE: count words, start with an
// alphabet, merge.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/stages/added_tokens.h"
#include "tokenizers/training/bpe_alphabet.h"
#include "tokenizers/training/trainers.h"

namespace zoo {

struct Subwords {
  std::vector<std::string> pieces = {};                          ///< by id, special tokens first
  std::vector<std::pair<std::string, std::string>> merges = {};  ///< by rank
  std::vector<AddedToken> special_tokens = {};
};

/// The special tokens of the options, or `otherwise` if there are none.
std::vector<std::string> special_tokens_of(const TokenizerTraining& options,
                                           std::vector<std::string> otherwise);

/// Trains on the words that the two stages (described as in a tokenizer.json) produce from `text`,
/// as encoding will. Throws std::runtime_error if the text has no words, or if its alphabet alone
/// is larger than the vocabulary.
Subwords train_subwords(const TokenizerTraining& options, TrainingText& text,
                        const OrderedJson& normalizer, const OrderedJson& pre_tokenizer,
                        const BpeAlphabet& alphabet, const TrainingWatch& watch);

/// The "model" of type BPE for a tokenizer.json.
OrderedJson bpe_model_of(const Subwords& subwords);

}  // namespace zoo
