// WordPiece: takes the longest piece at the start of a word, then the longest at the start of the
// rest, and so on (Schuster & Nakajima 2012; Devlin et al. 2019, arXiv:1810.04805). Linear in the
// word's length with LinMaxMatch (Song et al. 2021, arXiv:2012.15524, section 3).
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "tokenizers/algorithms/subword_model.h"

namespace zoo {

/// From a tokenizer.json's "model" of type WordPiece, which must have vocab, unk_token,
/// continuing_subword_prefix and max_input_chars_per_word. Throws std::runtime_error for a damaged
/// one. A word that has no split, or more characters than the maximum, becomes one unknown token;
/// if the vocabulary has none, encode throws std::runtime_error. In a word that is not valid UTF-8,
/// bytes 10xxxxxx do not count as characters.
std::unique_ptr<SubwordModel> make_wordpiece_model(const nlohmann::json& model);

}  // namespace zoo
