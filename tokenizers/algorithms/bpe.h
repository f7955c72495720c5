// Byte pair encoding as a tokenizer.json holds it (Sennrich et al. 2016, arXiv:1508.07909, on
// bytes: Radford et al. 2019): a vocabulary and merges by rank. GPT-2, RoBERTa, Llama 3 and CLIP
// (bytes), Llama 2 (characters, of which unknown ones become byte pieces).
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "tokenizers/algorithms/subword_model.h"

namespace zoo {

/// From a tokenizer.json's "model" of type BPE. Throws std::runtime_error for a damaged one, for a
/// merge whose pieces or result the vocabulary does not have, and for dropout.
///
/// A character that is no piece becomes its bytes' pieces (byte_fallback), or unk_token, of which
/// several in a row are one with fuse_unk; without an unk_token it is left out, as in the
/// reference. Where unk_token is no piece, encode throws std::runtime_error.
std::unique_ptr<SubwordModel> make_bpe_model(const nlohmann::json& model, bool byte_level);

/// Whether every byte is a piece of such a model, inside a word and at its end: byte_level needs
/// it.
bool has_every_byte(const nlohmann::json& model);

/// An entry of "merges": "a b", or ["a", "b"]. `place` is for the message of the std::runtime_error
/// that it throws for anything else.
std::pair<std::string, std::string> read_merge(const nlohmann::json& merge, size_t place);

}  // namespace zoo
