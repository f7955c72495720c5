// Byte pair encoding as stored in a tokenizer.json (Sennrich et al. 2016, arXiv:1508.07909; on
// bytes: Radford et al. 2019): a vocabulary and ranked merges. GPT-2, RoBERTa, Llama 3 and CLIP use
// bytes; Llama 2 uses characters, with byte pieces for unknown ones.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "tokenizers/algorithms/subword_model.h"

namespace zoo {

/// From a tokenizer.json's "model" of type BPE. Throws std::runtime_error for a damaged one, for a
/// merge whose parts or result are not in the vocabulary, and for dropout.
///
/// A character that is not a piece becomes its byte pieces (byte_fallback) or unk_token; with
/// fuse_unk, consecutive ones become a single unk_token. Without an unk_token the character is left
/// out, as in the reference. If unk_token is not a piece, encode throws std::runtime_error.
std::unique_ptr<SubwordModel> make_bpe_model(const nlohmann::json& model, bool byte_level);

/// Whether such a model has a piece for every byte, inside a word and at its end, as byte_level
/// requires.
bool has_every_byte(const nlohmann::json& model);

/// Reads an entry of "merges": "a b", or ["a", "b"]. Throws std::runtime_error for anything else;
/// `place` is its index, for the message.
std::pair<std::string, std::string> read_merge(const nlohmann::json& merge, size_t place);

}  // namespace zoo
