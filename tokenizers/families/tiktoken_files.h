// OpenAI's .tiktoken files (Llama 3's is called tokenizer.model): one line per piece with its bytes
// in Base64 and its rank, which is its id. Merges are not stored: two neighbours merge if their
// concatenated bytes are a piece.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// The tokenizer.json of an encoding: gpt2, r50k_base, p50k_base, cl100k_base, o200k_base or
/// llama3. The name determines the expression and the special tokens; llama3 also puts
/// <|begin_of_text|> before a text. Every pair of pieces that forms a piece becomes a merge, in the
/// order of ranks, and a word that is a piece stays whole, as in `tiktoken`. (If two different
/// pairs for the same piece compete in a word, `tiktoken` merges the leftmost and a tokenizer.json
/// the pair of lower ranks. No text is known for which a published encoding shows this.) Throws
/// std::runtime_error with the line.
nlohmann::ordered_json tiktoken_document(std::string_view ranks, std::string_view encoding);

/// The .tiktoken file of a byte-level BPE tokenizer.json, without its added tokens. Throws
/// std::runtime_error if the format cannot hold it: ids that are not in the order of merges, an
/// end_of_word_suffix, a byte without a piece.
std::string tiktoken_ranks(const nlohmann::json& document);

std::vector<std::string_view> tiktoken_encodings();

/// Whether the first line of a file has that format.
bool is_tiktoken(std::string_view text);

/// The encoding for a file name: NAME for NAME.tiktoken, else llama3. Throws std::runtime_error
/// with a list of the names.
std::string_view tiktoken_encoding_of(const std::filesystem::path& file);

}  // namespace zoo
