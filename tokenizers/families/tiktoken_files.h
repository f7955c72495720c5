// .tiktoken files, OpenAI's: a line for each piece, its bytes in Base64 and its rank, which is its
// id. The merges are not written down: two neighbours merge where their bytes together are a piece.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// The tokenizer.json of an encoding: gpt2, r50k_base, p50k_base, cl100k_base or o200k_base, which
/// name its expression and its special tokens. Every pair of pieces that makes a piece becomes a
/// merge, in the order of the ranks, and a word that is a piece stays whole, as in `tiktoken`.
/// (Where two different pairs that make one piece compete in one word, `tiktoken` takes the
/// leftmost and a tokenizer.json the pair of lower ranks; no text is known where a published
/// encoding shows it.) Throws std::runtime_error, which names the line.
nlohmann::ordered_json tiktoken_document(std::string_view ranks, std::string_view encoding);

/// The file of a byte-level BPE tokenizer.json without its added tokens. Throws std::runtime_error
/// where the format cannot hold it: ids that are not in the order of the merges, an
/// end_of_word_suffix, a byte without a piece.
std::string tiktoken_ranks(const nlohmann::json& document);

std::vector<std::string_view> tiktoken_encodings();

}  // namespace zoo
