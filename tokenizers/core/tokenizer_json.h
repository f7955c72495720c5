// tokenizer.json, the file format of the `tokenizers` package: the parts common to all kinds.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/core/tokenizer.h"
#include "tokenizers/stages/added_tokens.h"

namespace zoo {

/// Throws std::runtime_error for text that is not JSON, or not a tokenizer.json.
nlohmann::json parse_tokenizer_json(std::string_view text);

/// Throws std::runtime_error for an entry that lacks its id or text.
std::vector<AddedToken> read_added_tokens(const nlohmann::json& tokenizer_json);

/// Keeps keys in the order of insertion, for readers. Appending to an object_t avoids the linear
/// search for a key.
using OrderedJson = nlohmann::ordered_json;

/// The parts of a tokenizer.json that differ between kinds; null: absent.
struct TokenizerJson {
  OrderedJson normalizer, pre_tokenizer, post_processor, decoder, model;
};

OrderedJson make_tokenizer_json(const TokenizerJson& parts, std::vector<AddedToken> added);

/// A tokenizer_config.json for AutoTokenizer of `transformers`: the class, and the tokens of the
/// roles.
std::string make_tokenizer_config(const Tokenizer& tokenizer);

/// Writes tokenizer.json and tokenizer_config.json.
void write_tokenizer_json(const std::filesystem::path& folder, const OrderedJson& whole,
                          const Tokenizer& tokenizer);

}  // namespace zoo
