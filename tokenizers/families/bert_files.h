// BERT's own files: vocab.txt, one piece per line in the order of ids, and tokenizer_config.json.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace zoo {

/// The pieces and their ids; the last of equal pieces counts. Throws std::runtime_error for a
/// vocabulary that is not UTF-8.
nlohmann::json read_vocab_txt(std::string_view vocab_txt);

/// Writes the vocabulary of a tokenizer.json to folder/vocab.txt; an id without a piece becomes an
/// empty line. Writes nothing if the format cannot hold the vocabulary: pieces that end in
/// whitespace or contain a line feed, or more gaps than pieces.
void write_vocab_txt(const std::filesystem::path& folder, const nlohmann::json& document);

}  // namespace zoo
