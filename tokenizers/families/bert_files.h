// BERT's own files: vocab.txt, one piece a line in the order of their ids, and
// tokenizer_config.json.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace zoo {

/// The text of a tokenizer.json as `transformers` makes it for BertTokenizer. config: the text of a
/// tokenizer_config.json (do_lower_case, strip_accents, tokenize_chinese_chars, the special tokens'
/// names, added tokens); empty: BERT's defaults, uncased. Of a piece on several lines the last one
/// counts; special tokens that no line has get ids from the number of different pieces on. Throws
/// std::runtime_error for a vocabulary that is not UTF-8, or a damaged config.
std::string bert_document(std::string_view vocab_txt, std::string_view config);

/// Writes the vocabulary of a tokenizer.json as folder/vocab.txt; an id without piece becomes an
/// empty line. Writes nothing where lines cannot hold it: pieces that end in whitespace or have a
/// line feed, more gaps than pieces.
void write_vocab_txt(const std::filesystem::path& folder, const nlohmann::json& document);

}  // namespace zoo
