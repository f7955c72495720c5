// What the trainers of byte-level BPE, WordPiece and BPE share: count words, begin with an
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

/// The special tokens asked for, or `otherwise`.
std::vector<std::string> special_tokens_of(const TokenizerTraining& options,
                                           std::vector<std::string> otherwise);

/// Trains on the words that both stages (as a tokenizer.json names them) make of `text`: the ones
/// that encoding will use. Throws std::runtime_error where the text has no words, and where its
/// alphabet alone is larger than the vocabulary.
Subwords train_subwords(const TokenizerTraining& options, TrainingText& text,
                        const OrderedJson& normalizer, const OrderedJson& pre_tokenizer,
                        const BpeAlphabet& alphabet, const TrainingWatch& watch);

/// The "model" of a tokenizer.json, of type BPE.
OrderedJson bpe_model_of(const Subwords& subwords);

}  // namespace zoo
