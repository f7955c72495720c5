// vocab.json and merges.txt, the files of GPT-2, RoBERTa and CLIP, to a tokenizer.json and back.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// The pieces and their ids, and the merges, as a tokenizer.json holds them. Throws
/// std::runtime_error, which names the file and the line.
std::pair<nlohmann::json, nlohmann::json> read_byte_bpe_files(std::string_view vocab_json,
                                                              std::string_view merges_txt);

/// Whose vocabulary it is, where no file says so: CLIPTokenizer's has <|startoftext|> and pieces
/// that end with </w>, RobertaTokenizer's <s>, </s> and <mask>; all others are GPT2Tokenizer's.
std::string_view byte_bpe_class(const nlohmann::json& vocab);

/// Writes both files of a tokenizer.json whose model is BPE. Throws std::runtime_error for another
/// model, and for pieces with spaces, which merges.txt cannot hold.
void write_byte_bpe_files(const std::filesystem::path& folder, const nlohmann::json& document);

// What these files and tiktoken's have in common.

/// The "model" of a tokenizer.json: the vocabulary in the order of the ids.
nlohmann::ordered_json bpe_model_json(
    const std::vector<std::pair<std::string, int32_t>>& vocab,
    const std::vector<std::pair<std::string, std::string>>& merges);

/// A pre-tokenizer, decoder or post-processor ByteLevel.
nlohmann::ordered_json byte_level_json(bool add_prefix_space, bool trim_offsets, bool use_regex);

/// A Split at what a regular expression matches.
nlohmann::ordered_json split_json(std::string_view regex, std::string_view behaviour, bool invert);

}  // namespace zoo
