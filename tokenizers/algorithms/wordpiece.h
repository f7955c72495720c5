// WordPiece: the longest piece that a word begins with, then the longest that the rest begins with,
// and so on (Schuster & Nakajima 2012; Devlin et al. 2019, arXiv:1810.04805), in time linear in the
// word by LinMaxMatch (Song et al. 2021, arXiv:2012.15524, section 3).
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "tokenizers/algorithms/subword_model.h"

namespace zoo {

/// From a tokenizer.json's "model" of type WordPiece: vocab, unk_token, continuing_subword_prefix
/// and max_input_chars_per_word, all of them. Throws std::runtime_error for a damaged one. A word
/// that has no split, or more characters than that, is one unknown token; where the vocabulary has
/// none, encode throws std::runtime_error. Of a word that is not UTF-8 the bytes 10xxxxxx do not
/// count as characters.
std::unique_ptr<SubwordModel> make_wordpiece_model(const nlohmann::json& model);

}  // namespace zoo
