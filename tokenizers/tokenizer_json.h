// tokenizer.json, the file that the `tokenizers` package of Python reads: the parts that all kinds
// share.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// Throws std::runtime_error where the text is no JSON, or no tokenizer.json.
nlohmann::json parse_tokenizer_json(std::string_view text);

/// Throws std::runtime_error for an entry that lacks its id or text.
std::vector<AddedToken> read_added_tokens(const nlohmann::json& tokenizer_json);

/// Keeps keys in the order written, as people read them. Appending to `object` avoids its linear
/// search for a key.
using OrderedJson = nlohmann::ordered_json;

/// The parts of a tokenizer.json that differ between kinds; null where there is none.
struct TokenizerJson {
  OrderedJson normalizer, pre_tokenizer, post_processor, decoder, model;
};

OrderedJson make_tokenizer_json(const TokenizerJson& parts, std::vector<AddedToken> added);

/// The text of a tokenizer_config.json that AutoTokenizer of `transformers` reads: the class, and
/// the names of the roles.
std::string make_tokenizer_config(const Tokenizer& tokenizer);

/// Writes tokenizer.json and tokenizer_config.json.
void write_tokenizer_json(const std::filesystem::path& folder, const OrderedJson& whole,
                          const Tokenizer& tokenizer);

}  // namespace zoo
