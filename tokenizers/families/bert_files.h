// BERT's own files: vocab.txt, one piece a line in the order of their ids, and
// tokenizer_config.json.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace zoo {

/// The pieces and their ids; of a piece on several lines the last one counts. Throws
/// std::runtime_error for a vocabulary that is not UTF-8.
nlohmann::json read_vocab_txt(std::string_view vocab_txt);

/// Writes the vocabulary of a tokenizer.json as folder/vocab.txt; an id without piece becomes an
/// empty line. Writes nothing where lines cannot hold it: pieces that end in whitespace or have a
/// line feed, more gaps than pieces.
void write_vocab_txt(const std::filesystem::path& folder, const nlohmann::json& document);

}  // namespace zoo
