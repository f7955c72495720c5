// Converts vocab.json and merges.txt, the files of GPT-2, RoBERTa and CLIP, to a tokenizer.json and
// back.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// The vocabulary and the merges in tokenizer.json's form. Throws std::runtime_error with the file
/// and the line.
std::pair<nlohmann::json, nlohmann::json> read_byte_bpe_files(std::string_view vocab_json,
                                                              std::string_view merges_txt);

/// The tokenizer class of a vocabulary, if no file names it. CLIPTokenizer's has <|startoftext|>
/// and pieces that end with </w>, RobertaTokenizer's has <s>, </s> and <mask>; all others are
/// GPT2Tokenizer's.
std::string_view byte_bpe_class(const nlohmann::json& vocab);

/// Writes both files for a tokenizer.json whose model is BPE. Throws std::runtime_error for other
/// models, and for pieces with spaces, which merges.txt cannot hold.
void write_byte_bpe_files(const std::filesystem::path& folder, const nlohmann::json& document);

// Shared with tiktoken's files.

/// The "model" of a tokenizer.json, with the vocabulary in the order of ids.
nlohmann::ordered_json bpe_model_json(
    const std::vector<std::pair<std::string, int32_t>>& vocab,
    const std::vector<std::pair<std::string, std::string>>& merges);

/// The pre-tokenizer, decoder or post-processor ByteLevel.
nlohmann::ordered_json byte_level_json(bool add_prefix_space, bool trim_offsets, bool use_regex);

/// A Split pre-tokenizer for a regular expression.
nlohmann::ordered_json split_json(std::string_view regex, std::string_view behaviour, bool invert);

}  // namespace zoo
