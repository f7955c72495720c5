// .tiktoken files, OpenAI's (Llama 3's is called tokenizer.model): a line for each piece, its bytes
// in Base64 and its rank, which is its id. The merges are not written down: two neighbours merge
// where their bytes together are a piece.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// The tokenizer.json of an encoding: gpt2, r50k_base, p50k_base, cl100k_base, o200k_base or
/// llama3, which name its expression and its special tokens; llama3 also puts <|begin_of_text|>
/// before a text. Every pair of pieces that makes a piece becomes a merge, in the order of the
/// ranks, and a word that is a piece stays whole, as in `tiktoken`. (Where two different pairs that
/// make one piece compete in one word, `tiktoken` takes the leftmost and a tokenizer.json the pair
/// of lower ranks; no text is known where a published encoding shows it.) Throws
/// std::runtime_error, which names the line.
nlohmann::ordered_json tiktoken_document(std::string_view ranks, std::string_view encoding);

/// The file of a byte-level BPE tokenizer.json without its added tokens. Throws std::runtime_error
/// where the format cannot hold it: ids that are not in the order of the merges, an
/// end_of_word_suffix, a byte without a piece.
std::string tiktoken_ranks(const nlohmann::json& document);

std::vector<std::string_view> tiktoken_encodings();

/// Whether a file begins with a line of that format.
bool is_tiktoken(std::string_view text);

/// The encoding that a file's name tells: NAME.tiktoken; llama3 for a name that ends otherwise.
/// Throws std::runtime_error, which lists the names.
std::string_view tiktoken_encoding_of(const std::filesystem::path& file);

}  // namespace zoo
